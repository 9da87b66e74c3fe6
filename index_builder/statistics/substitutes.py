"""Substitutes: items of one subcategory that the same shoppers buy, but not together.

Two flavours of yogurt go into one basket; two sizes of milk do not. To tell one from the other, the
baskets with both items are compared with those to be expected if each shopper had spread either
item over the own baskets by chance, in proportion to the baskets' sizes: a shopper who bought i in
a baskets and j in b of them, of sizes s, is expected to have bought both in a · b · Σ s² / (Σ s)².
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array, csr_array, diags_array

from index_builder.config import SubstitutesConfig
from index_builder.transactions.basket_matrix import basket_matrix
from index_builder.transactions.encoding import EncodedTransactions
from service.bundle.taxonomy import Level
from service.support.array_types import Float32, Float64, Int32, Int64, Positions
from service.support.offsets import offsets

__all__ = ["SubstituteLists", "substitutes"]


_PRIOR_BASKETS = 1  # with both items, beside those counted and those expected: few prove little
_BLOCK_ITEMS = 256  # rows of a subcategory that are in memory at once


@dataclass(frozen=True)
class SubstituteLists:
    """Row i, `indptr[i]:indptr[i + 1]`: what replaces item i, the best first, and how well.

    The score is the share of the shoppers of i who buy the substitute too, times one minus the
    lift within their baskets: 1 for an item that all of them buy, and never at the same time.
    """

    indptr: Int64
    item: Int32
    score: Float32


def substitutes(
    encoded: EncodedTransactions, subcategories: Sequence[str], config: SubstitutesConfig
) -> SubstituteLists:
    """Finds the substitutes of every item.

    Args:
        encoded: the training baskets.
        subcategories: of every item; one without a subcategory has no substitutes.
        config: what counts as rarely together, and as the same shoppers.
    """
    items, others, scores = _pairs(encoded, subcategories, config)
    order = np.lexsort((others, -scores, items))
    items, others, scores = items[order], others[order], scores[order]
    counts = np.bincount(items, minlength=encoded.n_items)
    starts = offsets(counts)
    kept = np.arange(len(items)) - starts[items] < config.most
    counts = np.minimum(counts, config.most)
    return SubstituteLists(
        indptr=offsets(counts),
        item=others[kept].astype(np.int32),
        score=scores[kept].astype(np.float32),
    )


def _pairs(
    encoded: EncodedTransactions, subcategories: Sequence[str], config: SubstitutesConfig
) -> tuple[Int32, Int32, Float64]:
    """All pairs of an item and a substitute, with their scores, in any order."""
    baskets = basket_matrix(
        encoded.basket_indptr, encoded.basket_items, encoded.n_items, np.float64
    )
    places = (encoded.basket_user, np.arange(encoded.n_baskets))
    shape = (encoded.n_users, encoded.n_baskets)
    of_user = csr_array((np.ones(encoded.n_baskets), places), shape=shape)
    bought = (of_user @ baskets).tocsc()  # (users, items): baskets of the user with the item
    sizes = encoded.basket_sizes.astype(float)
    total = of_user @ sizes
    chance = np.divide(of_user @ sizes**2, total**2, out=np.zeros_like(total), where=total > 0)
    by_item = baskets.tocsc()
    found = [(np.empty(0, np.int32), np.empty(0, np.int32), np.empty(0))]
    for members in Level.of(subcategories).members.values():
        shelf = _Shelf(by_item[:, members], bought[:, members], chance)
        for start in range(0, len(members), _BLOCK_ITEMS):
            of, other, score = shelf.pairs(slice(start, start + _BLOCK_ITEMS), config)
            found.append((members[start + of], members[other], score))
    items, others, scores = (np.concatenate(each) for each in zip(*found, strict=True))
    return items, others, scores


class _Shelf:
    """The items of one subcategory, and who bought them when."""

    def __init__(self, baskets: csc_array, bought: csc_array, chance: Float64) -> None:
        """Prepares what all blocks of items share.

        Args:
            baskets: (n_baskets, m) of ones.
            bought: (n_users, m) baskets of each user with each item.
            chance: (n_users,) that two purchases of a user fall in one basket.
        """
        self._baskets = baskets
        self._bought = bought
        self._spread = diags_array(chance) @ bought
        self._buys = (bought > 0).astype(float)
        self._shoppers = self._buys.sum(axis=0)

    def pairs(
        self, block: slice, config: SubstitutesConfig
    ) -> tuple[Positions, Positions, Float64]:
        """Items of the block and their substitutes, both as places, and the scores."""
        together = (self._baskets[:, block].T @ self._baskets).toarray()
        expected = (self._bought[:, block].T @ self._spread).toarray()
        both = (self._buys[:, block].T @ self._buys).toarray()
        lift = (together + _PRIOR_BASKETS) / (expected + _PRIOR_BASKETS)
        rows = np.arange(len(lift))
        lift[rows, block.start + rows] = np.inf  # no item replaces itself
        own = self._shoppers[block, None]
        by_chance = own * self._shoppers / self._buys.shape[0]
        replaces = (
            (lift <= config.most_lift) & (both >= config.least_shoppers) & (both >= by_chance)
        )
        item, other = np.nonzero(replaces)
        score = both[item, other] / own[item, 0] * (1 - lift[item, other])
        return item, other, score
