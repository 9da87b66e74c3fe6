"""Maximum inner product search (MIPS): the k item vectors that match a query best.

There are three backends. `exact` multiplies all rows; `faiss` and `nmslib` approximate, and their
recall is measured. All return items by exact inner product, best first, ties by item index.

A search runs on the calling thread alone: a worker process answers one request at a time, and more
workers use more cores better than more threads.
"""

from service.retrieval._interface import Retrieval, RetrievalError
from service.retrieval._ranking import rescore
from service.retrieval._recall import measure_ann_recall, share_found

__all__ = ["Retrieval", "RetrievalError", "backend", "measure_ann_recall"]
__all__ += ["rescore", "share_found"]


def backend(name: str) -> type[Retrieval]:
    """Return the backend of this name; its library is imported only now.

    Raises:
        RetrievalError: an unknown name, or a library that is not installed.
    """
    match name:
        case "exact":
            from service.retrieval.exact import Exact

            return Exact
        case "faiss":
            from service.retrieval.faiss import Faiss

            return Faiss
        case "nmslib":
            from service.retrieval.nmslib import Nmslib

            return Nmslib
    raise RetrievalError(f"backend: expected exact, faiss or nmslib, found {name!r}")
