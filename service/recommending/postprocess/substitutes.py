"""Substitutes: what a shopper takes when an item is out of stock.

They were found by the build: items of the same subcategory that the same shoppers buy, but hardly
ever together.
"""

from typing import NamedTuple, Self

import numba
import numpy as np

from service.bundle.bundle import Bundle
from service.support.array_types import Float32, Int32, Int64

__all__ = ["Substitute", "Substitutes"]


class Substitute(NamedTuple):
    """One substitute of an item.

    Attributes:
        item_index: its row.
        score: share of the item's shoppers who buy it too, less the nearer to chance they buy both
            together; in [0, 1].
    """

    item_index: int
    score: float


class Substitutes:
    """The substitutes of every item of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Takes the arrays of a bundle that has them.

        Raises:
            BundleInvalidError: it does not.
        """
        self._indptr = bundle.required("substitute_indptr", "the search for substitutes")
        self._item = bundle.required("substitute_item", "the search for substitutes")
        self._score = bundle.required("substitute_score", "the search for substitutes")

    @classmethod
    def read(cls, bundle: Bundle) -> Self | None:
        """Those of a bundle; None if it is from a time when no build looked for any."""
        return cls(bundle) if bundle.substitute_indptr is not None else None

    def of(self, item: int, k: int) -> list[Substitute]:
        """Up to k substitutes of an item, the best first; often fewer, and none for many items."""
        start, stop = self._indptr[item : item + 2].tolist()
        span = slice(start, min(stop, start + k))
        pairs = zip(self._item[span].tolist(), self._score[span].tolist(), strict=True)
        return [Substitute(*pair) for pair in pairs]

    def demotions(self, items: Int32, basket: Int32, log_weight: float) -> Float32:
        """What is added to the scores of items that replace something in the basket, (n,) float32.

        Args:
            items: (n,) int32, ascending.
            basket: (m,) int32.
            log_weight: added to each of them, once.
        """
        added: Float32 = _demotions(self._indptr, self._item, items, basket, log_weight)
        return added


@numba.njit(nogil=True, cache=True)
def _demotions(
    indptr: Int64,
    substitutes: Int32,
    items: Int32,
    basket: Int32,
    log_weight: float,
) -> Float32:
    added = np.zeros(len(items), np.float32)
    for item in basket:
        for substitute in substitutes[indptr[item] : indptr[item + 1]]:
            place = np.searchsorted(items, substitute)
            if place < len(items) and items[place] == substitute:
                added[place] = log_weight
    return added
