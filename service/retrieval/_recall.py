"""The recall of an index against exact search."""

import numpy as np

from service.retrieval._interface import Retrieval
from service.support.arrays.array_types import Float32, Int32


def measure_ann_recall(
    retrieval: Retrieval, exact: Retrieval, queries: Float32, k: int = 100
) -> float:
    """Return ann_recall_at_k: the share of the exact best k items that `retrieval` finds too.

    Args:
        retrieval: the index to measure.
        exact: exact search over the same rows.
        queries: float32 (n, 2d + 1), n >= 1, drawn from real baskets.
        k: items per query; all items of a smaller catalogue.
    """
    return share_found(exact.search(queries, k)[1], retrieval.search(queries, k)[1])


def share_found(wanted: Int32, found: Int32) -> float:
    """Return the share of the wanted items, (n, k) with -1 for none, among those found, (n, j)."""
    hits = sum(np.isin(w[w >= 0], f).sum() for w, f in zip(wanted, found, strict=True))
    return float(hits / np.count_nonzero(wanted >= 0))
