"""The lists of each item's closest, found by the index once and for all."""

import numpy as np

from service.recommending.queries import build_queries
from service.recommending.weights import Weights
from service.retrieval import Retrieval
from service.support.array_types import Float32, Int32

__all__ = ["closest_items"]


_BLOCK_ITEMS = 1024  # queries at once


def closest_items(rows: Float32, retrieval: Retrieval, weights: Weights, places: int) -> Int32:
    """What the index finds for each item as the only anchor of an unknown user.

    Args:
        rows: (n_items, 2d + 1) float32.
        retrieval: the index over them.
        weights: that of popularity goes into the queries.
        places: items wanted of each.

    Returns:
        (n_items, places) int32, best first, without the item itself; -1 where there are no more.
    """
    closest = np.full((len(rows), places), -1, np.int32)
    for start in range(0, len(rows), _BLOCK_ITEMS):
        block = np.arange(start, min(start + _BLOCK_ITEMS, len(rows)), dtype=np.int32)
        queries = build_queries(rows, block, None, weights)
        _, found = retrieval.search(queries, min(places + 1, len(rows)))
        for item, row in zip(block, found, strict=True):
            others = row[row != item][:places]
            closest[item, : len(others)] = others
    return closest
