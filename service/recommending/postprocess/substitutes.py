"""Substitutes: items to take when another one is out of stock.

The build found them: items of one subcategory that the same users buy, but hardly ever together.
"""

from typing import NamedTuple, Self

import numpy as np

from service.bundle.bundle import Bundle
from service.support.arrays.array_types import Bool, Float32, Int32, Int64
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled


class Substitute(NamedTuple):
    """One substitute of an item.

    Attributes:
        item_index: its row.
        score: share of the item's users who buy this one too, times one minus how often they buy
            both together compared to chance; in [0, 1].
    """

    item_index: int
    score: float


class Substitutes:
    """The substitutes of every item of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Takes the arrays of a bundle that has substitutes.

        Raises:
            BundleInvalidError: it has none.
        """
        self._indptr = bundle.required("substitute_indptr", "the search for substitutes")
        self._item = bundle.required("substitute_item", "the search for substitutes")
        self._score = bundle.required("substitute_score", "the search for substitutes")

    @property
    def arrays(self) -> tuple[Int64, Int32]:
        """The offsets of each item's substitutes, and the substitutes; read-only."""
        return read_only(self._indptr), read_only(self._item)

    @classmethod
    def read(cls, bundle: Bundle) -> Self | None:
        """The substitutes of a bundle; None if it was built before there were any."""
        return cls(bundle) if bundle.substitute_indptr is not None else None

    def of(self, item: int, k: int, eligible: Bool) -> list[Substitute]:
        """Up to k substitutes of an item, the best first; many items have none.

        Args:
            item: its row.
            k: 1 or more.
            eligible: (n_items,) from `eligible_items`: which items may be returned.
        """
        start, stop = self._indptr[item : item + 2].tolist()
        places = start + np.flatnonzero(eligible[self._item[start:stop]])[:k]
        pairs = zip(self._item[places].tolist(), self._score[places].tolist(), strict=True)
        return [Substitute(*pair) for pair in pairs]

    def demotions(self, items: Int32, basket: Int32, log_weight: float) -> Float32:
        """What is added to the scores of items, (n,) float32.

        Args:
            items: (n,) int32, ascending.
            basket: (m,) int32.
            log_weight: added once to each item that is a substitute of a basket item.
        """
        added: Float32 = demote(self._indptr, self._item, items, basket, log_weight)
        return added


@compiled()
def demote(
    indptr: Int64,
    substitutes: Int32,
    items: Int32,
    basket: Int32,
    log_weight: float,
) -> Float32:
    """What is added to the scores of items; see `Substitutes.demotions`."""
    added = np.zeros(len(items), np.float32)
    for item in basket:
        for substitute in substitutes[indptr[item] : indptr[item + 1]]:
            place = np.searchsorted(items, substitute)
            if place < len(items) and items[place] == substitute:
                added[place] = log_weight
    return added
