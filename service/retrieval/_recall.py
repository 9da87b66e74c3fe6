"""How much of the truth an index finds."""

import numpy as np
import numpy.typing as npt

from service.retrieval._interface import Retrieval

__all__ = ["measure_ann_recall"]


def measure_ann_recall(
    retrieval: Retrieval, exact: Retrieval, queries: npt.NDArray[np.float32], k: int = 100
) -> float:
    """Return ann_recall_at_k: the share of the exact best k items that `retrieval` finds too.

    Args:
        retrieval: the index to judge.
        exact: exact search over the same rows.
        queries: float32 (n, 2d + 1), n >= 1, drawn from real baskets.
        k: items per query; of a smaller catalogue, all.
    """
    _, found = retrieval.search(queries, k)
    _, wanted = exact.search(queries, k)
    hits = sum(np.isin(w[w >= 0], f).sum() for w, f in zip(wanted, found, strict=True))
    return float(hits / np.count_nonzero(wanted >= 0))
