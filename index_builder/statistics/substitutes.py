"""Substitutes: items of one subcategory that the same users buy, but not together.

Two flavours of yogurt go into one basket; two sizes of milk do not. The number of baskets with both
items is compared with the number expected by chance, if each user's purchases were distributed over
the user's baskets in proportion to their sizes s: a user with i in a baskets and j in b baskets
then has both in a · b · Σ s² / (Σ s)² of them.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, diags_array

from index_builder.config import SubstitutesConfig
from index_builder.transactions.encoded.encoding import EncodedBaskets, EncodedTransactions
from index_builder.transactions.encoded.scratch import scratch
from service.bundle.taxonomy import Level
from service.support.arrays.array_types import Float32, Float64, Int32, Int64, Positions
from service.support.arrays.offsets import offsets

_PRIOR_BASKETS = 1  # added to those counted and to those expected: few baskets prove little
_BLOCK_ITEMS = 256  # rows of a subcategory that are in memory at once
BLOCK_BASKETS = 1 << 20


@dataclass(frozen=True)
class SubstituteLists:
    """Row i, `indptr[i]:indptr[i + 1]`: the substitutes of item i, best first, and their scores.

    The score is the share of the buyers of i who buy the substitute too, times one minus the lift
    within their baskets: 1 for an item that all of them buy, but never in a basket with i.
    """

    indptr: Int64
    item: Int32
    score: Float32


def substitutes(
    encoded: EncodedTransactions, subcategory: Level, config: SubstitutesConfig
) -> SubstituteLists:
    """Finds the substitutes of every item.

    Args:
        encoded: the training baskets.
        subcategory: of the items; an item without a subcategory has no substitutes.
        config: the thresholds.
    """
    items, others, scores = _pairs(encoded, subcategory, config)
    order = np.lexsort((others, -scores, items))
    items, others, scores = items[order], others[order], scores[order]
    counts = np.bincount(items, minlength=encoded.n_items)
    kept = np.arange(len(items)) - offsets(counts)[items] < config.most
    return SubstituteLists(
        indptr=offsets(np.minimum(counts, config.most)),
        item=others[kept].astype(np.int32),
        score=scores[kept].astype(np.float32),
    )


def _pairs(
    encoded: EncodedTransactions, subcategory: Level, config: SubstitutesConfig
) -> tuple[Int32, Int32, Float64]:
    """All pairs of an item and a substitute, with their scores, in any order."""
    known = encoded.of_users  # guests are no user who buys one item instead of another
    found = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))]
    if known.n_baskets == 0:
        return found[0]
    sizes = known.basket_sizes.astype(float)
    total = np.bincount(known.basket_user, sizes, encoded.n_users)
    squares = np.bincount(known.basket_user, sizes**2, encoded.n_users)
    chance = np.divide(squares, total**2, out=np.zeros_like(total), where=total > 0)
    by_item = _BasketsByItem(known, encoded.n_items)
    for members in subcategory.members.values():
        alike = _Subcategory(*by_item.purchases(members, encoded.n_users), chance)
        for start in range(0, len(members), _BLOCK_ITEMS):
            item, other, score = alike.pairs(slice(start, start + _BLOCK_ITEMS), config)
            found.append((members[start + item], members[other], score))
    items, others, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    return items, others, scores


class _BasketsByItem:
    """The baskets of each item, ascending; a large array of them is in a file."""

    def __init__(self, baskets: EncodedBaskets, n_items: int) -> None:
        """Goes through the baskets twice."""
        self._baskets = baskets
        counts = sum((np.bincount(each, minlength=n_items) for _, each in _blocks(baskets)), 0)
        self._indptr = offsets(np.asarray(counts))
        self._basket = scratch(int(self._indptr[-1]), np.int32)
        ends = self._indptr[:-1].copy()
        for rows, items in _blocks(baskets):
            order = np.argsort(items, kind="stable")
            counts = np.bincount(items, minlength=n_items)
            place = np.arange(len(items)) + np.repeat(ends - offsets(counts)[:-1], counts)
            self._basket[place] = rows[order]
            ends += counts

    def purchases(self, items: Int32, n_users: int) -> tuple[csc_array, csc_array]:
        """Ones for the baskets with each of these items, and the baskets of each user with it."""
        begins, ends = self._indptr[items], self._indptr[items + 1]
        spans = zip(begins.tolist(), ends.tolist(), strict=True)
        rows = np.concatenate([self._basket[begin:end] for begin, end in spans])
        indptr, ones = offsets(ends - begins), np.ones(len(rows))
        shape = (self._baskets.n_baskets, len(items))
        held = csc_array((ones, rows, indptr), shape=shape)
        column = np.repeat(np.arange(len(items)), ends - begins)
        user = self._baskets.basket_user[rows]
        return held, csc_array((ones, (user, column)), shape=(n_users, len(items)))


def _blocks(baskets: EncodedBaskets) -> Iterator[tuple[Int32, Int32]]:
    """Yields the basket and the item of each line, a block of baskets at a time."""
    for first in range(0, baskets.n_baskets, BLOCK_BASKETS):
        indptr = baskets.basket_indptr[first : first + BLOCK_BASKETS + 1]
        rows = np.arange(first, first + len(indptr) - 1, dtype=np.int32)
        yield np.repeat(rows, np.diff(indptr)), baskets.basket_items[indptr[0] : indptr[-1]]


class _Subcategory:
    """The items of one subcategory, with their baskets and buyers."""

    def __init__(self, baskets: csc_array, bought: csc_array, chance: Float64) -> None:
        """Prepares the matrices that all blocks of items share.

        Args:
            baskets: (n_baskets, m) of ones.
            bought: (n_users, m) baskets of each user with each item.
            chance: (n_users,) probability that two purchases of a user fall into one basket.
        """
        self._baskets = baskets
        self._bought = bought
        self._expected = diags_array(chance) @ bought
        self._buys = (bought > 0).astype(float)
        self._n_buyers = self._buys.sum(axis=0)

    def pairs(
        self, block: slice, config: SubstitutesConfig
    ) -> tuple[Positions, Positions, Float64]:
        """Items, as places in the block, their substitutes, as places in all, and the scores."""
        together = (self._baskets[:, block].T @ self._baskets).toarray()
        expected = (self._bought[:, block].T @ self._expected).toarray()
        both = (self._buys[:, block].T @ self._buys).toarray()
        lift = (together + _PRIOR_BASKETS) / (expected + _PRIOR_BASKETS)
        rows = np.arange(len(lift))
        lift[rows, block.start + rows] = np.inf  # no item replaces itself
        own = self._n_buyers[block, None]
        by_chance = own * self._n_buyers / self._buys.shape[0]
        replaces = (
            (lift <= config.most_lift) & (both >= config.least_shoppers) & (both >= by_chance)
        )
        item, other = np.nonzero(replaces)
        score = both[item, other] / own[item, 0] * (1 - lift[item, other])
        return item, other, score
