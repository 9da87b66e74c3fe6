"""Neighbour weights: how much one item says about another, beside its other neighbours.

A sum of cosines counts twice what two neighbours have in common. A ridge regression does not: item
j is predicted by its neighbours N alone, with weights (G_NN + λ1)⁻¹ G_Nj, where G counts the
baskets that hold two items. It is the linear model EASE (Steck, WWW 2019) in the neighbourhood of
each item: linear in the number of items, without a dense matrix.
"""

from typing import Annotated, NamedTuple

import numba
import numpy as np

from index_builder.statistics.neighbours import Neighbours
from index_builder.transactions.encoded.basket_matrix import basket_matrix, co_purchase_blocks
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.offsets import offsets
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout

_BLOCK_ITEMS = 2048  # rows of the co-purchase matrix that are in memory at once
_MOST_PAIRS = 100_000_000  # at 8 bytes; if there may be more, pairs of one basket are left out


class NeighbourWeights(NamedTuple):
    """Weights of each pair of an item and a neighbour, float32, in the order of the neighbours.

    Attributes:
        to: where item i has j as a neighbour, what i adds to the prediction of j; 0 if i is not
            among the neighbours of j.
        back: what j adds to the prediction of i.
    """

    to: Float32
    back: Float32


def neighbour_weights(
    encoded: EncodedTransactions, neighbours: Neighbours, regularisation: float
) -> NeighbourWeights:
    """Fits the regression of each item.

    Args:
        encoded: the training baskets.
        neighbours: of every item.
        regularisation: λ, above 0.
    """
    sizes = encoded.basket_sizes.astype(np.int64)
    least = 1 if int((sizes * (sizes - 1)).sum()) <= _MOST_PAIRS else 2
    indptr, item, count = _pairs(encoded, least)
    back = np.zeros(len(neighbours.item), np.float32)
    _regress(
        neighbours.indptr, neighbours.item, indptr, item, count, encoded.item_count,
        regularisation, back,
    )  # fmt: skip
    to = np.zeros(len(neighbours.item), np.float32)
    _turn(neighbours.indptr, neighbours.item, back, to)
    return NeighbourWeights(to, back)


def _pairs(encoded: EncodedTransactions, least: int) -> tuple[Int64, Int32, Int32]:
    """The baskets that hold two items, `least` or more of them, as compressed rows."""
    baskets = basket_matrix(encoded.basket_indptr, encoded.basket_items, encoded.n_items, np.int32)
    sizes, items, counts = [], [], []
    for block, together in co_purchase_blocks(baskets, _BLOCK_ITEMS):
        row = np.repeat(
            np.arange(block.start, block.start + together.shape[0]), np.diff(together.indptr)
        )
        kept = (together.data >= least) & (together.indices != row)
        sizes.append(np.bincount(row[kept] - block.start, minlength=together.shape[0]))
        items.append(together.indices[kept].astype(np.int32))
        counts.append(together.data[kept].astype(np.int32))
    return offsets(np.concatenate(sizes)), np.concatenate(items), np.concatenate(counts)


@numba.njit(inline="always")
def _count_of(indptr: Int64, items: Int32, counts: Int32, a: int, b: int) -> int:
    """The baskets that hold both items: a search in the shorter of their two rows."""
    if indptr[a + 1] - indptr[a] > indptr[b + 1] - indptr[b]:
        a, b = b, a
    low, high = indptr[a], indptr[a + 1]
    while low < high:
        middle = (low + high) >> 1
        if items[middle] < b:
            low = middle + 1
        else:
            high = middle
    if low < indptr[a + 1] and items[low] == b:
        return int(counts[low])
    return 0


@compiled()
def _regress(
    indptr: Int64,
    neighbours: Int32,
    pair_indptr: Int64,
    pair_item: Int32,
    pair_count: Int32,
    item_count: Int32,
    regularisation: float,
    weights: Annotated[Float32, Layout(written=True)],
) -> None:
    """Writes the weight of each neighbour of each item j in the prediction of j."""
    for target in range(len(indptr) - 1):
        start = indptr[target]
        n = indptr[target + 1] - start
        factor = np.zeros((n, n))
        solution = np.zeros(n)
        for a in range(n):
            item = neighbours[start + a]
            solution[a] = _count_of(pair_indptr, pair_item, pair_count, item, target)
            factor[a, a] = item_count[item] + regularisation
            for b in range(a):
                other = neighbours[start + b]
                factor[a, b] = _count_of(pair_indptr, pair_item, pair_count, item, other)
        for a in range(n):  # Cholesky, by rows, in place
            for b in range(a + 1):
                rest = factor[a, b]
                for c in range(b):
                    rest -= factor[a, c] * factor[b, c]
                factor[a, b] = np.sqrt(rest) if a == b else rest / factor[b, b]
        for a in range(n):
            rest = solution[a]
            for b in range(a):
                rest -= factor[a, b] * solution[b]
            solution[a] = rest / factor[a, a]
        for a in range(n - 1, -1, -1):
            solution[a] /= factor[a, a]
            for b in range(a):
                solution[b] -= factor[a, b] * solution[a]
        for a in range(n):
            weights[start + a] = solution[a]


@compiled()
def _turn(
    indptr: Int64,
    neighbours: Int32,
    weights: Float32,
    turned: Annotated[Float32, Layout(written=True)],
) -> None:
    """From the weight of i in the row of j to the weight of j in the row of i; 0 where it lacks."""
    for item in range(len(indptr) - 1):
        for at in range(indptr[item], indptr[item + 1]):
            other = neighbours[at]
            place = np.searchsorted(neighbours[indptr[other] : indptr[other + 1]], item)
            back = indptr[other] + place
            if back < indptr[other + 1] and neighbours[back] == item:
                turned[at] = weights[back]
