"""The list of the items closest to each item, as the index finds them."""

import numpy as np

from service.recommending.searching.queries import build_queries
from service.recommending.weights import Weights
from service.retrieval import Retrieval
from service.support.arrays.array_types import Float32, Int32

_BLOCK_ITEMS = 1024  # queries at once


def closest_items(rows: Float32, retrieval: Retrieval, weights: Weights, places: int) -> Int32:
    """Searches the index for each item as the only anchor of an unknown user.

    Args:
        rows: (n_items, 2d + 1) float32.
        retrieval: the index over them.
        weights: the queries use the weight of popularity.
        places: length of a list.

    Returns:
        (n_items, places) int32, best first, without the item itself; then -1.
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
