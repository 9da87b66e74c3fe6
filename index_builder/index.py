"""The inner-product index, and the proof that it finds what it should."""

import numpy as np
import numpy.typing as npt

from index_builder.config import IndexConfig
from service.retrieval import Retrieval, backend, measure_ann_recall
from service.retrieval.exact import Exact

__all__ = ["IndexRecallError", "build_index", "check_index_config"]

Float32 = npt.NDArray[np.float32]


class IndexRecallError(RuntimeError):
    """The index finds too little of what exact search finds."""


def check_index_config(config: IndexConfig) -> None:
    """Tries backend and parameters on next to nothing: a typo must not cost a training run.

    Raises:
        RetrievalError: a library is not installed, a parameter is unknown or out of range.
    """
    backend(config.backend).build(np.eye(3, dtype=np.float32), config.parameters)


def build_index(rows: Float32, queries: Float32, config: IndexConfig) -> tuple[Retrieval, float]:
    """Builds the index over the rows and measures it.

    Args:
        rows: (n_items, 2d + 1) float32.
        queries: (n, 2d + 1) float32, from real baskets.
        config: backend, and the ann_recall_at_k it must reach.

    Returns:
        The index and its ann_recall_at_k.

    Raises:
        IndexRecallError: it misses the target.
    """
    retrieval = backend(config.backend).build(rows, config.parameters)
    recall = measure_ann_recall(retrieval, Exact(rows), queries, config.ann_recall_k)
    if recall < config.ann_recall_target:
        raise IndexRecallError(
            f"{config.backend} index: expected ann_recall_at_{config.ann_recall_k} of "
            f"{config.ann_recall_target} or more against exact search, found {recall:.4f} with "
            f"{retrieval.parameters}. Choose other parameters (--index-parameter name=value), "
            "or --backend exact, which finds everything."
        )
    return retrieval, recall
