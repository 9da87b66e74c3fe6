"""The list of the items closest to each item, by vectors and neighbour weight together."""

from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, NamedTuple

import numba
import numpy as np

from index_builder.statistics.neighbours import Neighbours
from service.recommending.searching.queries import swapped
from service.recommending.weights import Weights
from service.retrieval import Retrieval
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.rank_keys import rank_key
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout

_BLOCK_ITEMS = 1024  # queries at once
_ANCHORS = 8  # of a basket for whose anchors the lists are best


class Closest(NamedTuple):
    """The lists: (n_items, places) of int32 items, -1 at the end of short ones, and their weights.

    A weight is the neighbour weight of the pair, float32; 0 for an item that is no neighbour.
    """

    item: Annotated[Int32, Layout(axes=2, written=True)]
    weight: Annotated[Float32, Layout(axes=2, written=True)]


class _Near(NamedTuple):
    """The neighbours of every item, and the weight of a neighbour weight; arrays are read-only."""

    indptr: Int64
    item: Int32
    weight: Float32
    factor: np.float32


def closest_items(
    rows: Float32,
    retrieval: Retrieval,
    weights: Weights,
    places: int,
    neighbours: Neighbours,
    neighbour_weight: Float32,
    threads: int = 1,
) -> Closest:
    """Ranks what the index finds for each item as an anchor of an unknown user, and its neighbours.

    Args:
        rows: (n_items, 2d + 1) float32.
        retrieval: the index over them.
        weights: the weights of popularity and of a neighbour weight are used.
        places: length of a list.
        neighbours: of every item.
        neighbour_weight: of each neighbour.
        threads: the lists do not depend on their number.
    """
    closest = Closest(
        np.full((len(rows), places), -1, np.int32), np.zeros((len(rows), places), np.float32)
    )
    near = _Near(
        read_only(neighbours.indptr),
        read_only(neighbours.item),
        read_only(neighbour_weight),
        np.float32(weights.neighbour),
    )
    prior = np.float32(weights.popularity / _ANCHORS ** (1 - weights.basket_exponent))

    def list_block(start: int) -> None:
        block = np.arange(start, min(start + _BLOCK_ITEMS, len(rows)), dtype=np.int32)
        queries = np.pad(swapped(rows, block), ((0, 0), (0, 1)), constant_values=prior)
        _, found = retrieval.search(queries, min(places + 1, len(rows)))
        _list_best(rows, queries, found, start, near, closest)

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(list_block, range(0, len(rows), _BLOCK_ITEMS)))
    return closest


@numba.njit()
def _place_in(items: Int32, item: int) -> int:
    """The place of an item among ascending ones, or -1."""
    place = np.searchsorted(items, item)
    return int(place) if place < len(items) and items[place] == item else -1


@compiled()
def _list_best(
    rows: Annotated[Float32, Layout(axes=2)],
    queries: Annotated[Float32, Layout(axes=2)],
    found: Annotated[Int32, Layout(axes=2)],
    first: int,
    neighbours: _Near,
    closest: Closest,
) -> None:
    """Writes the lists of the items from `first` on, one for each query."""
    items, weights = closest
    indptr = neighbours.indptr
    for line in range(len(queries)):
        item, query = first + line, queries[line]
        near = neighbours.item[indptr[item] : indptr[item + 1]]
        weight = neighbours.weight[indptr[item] : indptr[item + 1]]
        keys = np.empty(len(near) + found.shape[1], np.int64)
        for place in range(len(near)):
            score = np.dot(rows[near[place]], query) + neighbours.factor * weight[place]
            keys[place] = rank_key(np.float32(score), near[place])
        n = len(near)
        for other in found[line]:
            if other >= 0 and other != item and _place_in(near, other) < 0:
                keys[n] = rank_key(np.float32(np.dot(rows[other], query)), other)
                n += 1
        best = np.sort(keys[:n])[: items.shape[1]]
        for place in range(len(best)):
            other = int(best[place] & 0xFFFFFFFF)
            items[item, place] = other
            at = _place_in(near, other)
            if at >= 0:
                weights[item, place] = weight[at]
