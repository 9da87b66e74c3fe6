"""Corrupted baskets: what a basket might have been if it were not this shopper's, or nobody's."""

from collections.abc import Sequence

import numpy as np

from index_builder.transactions.held_out import HeldOut
from service.support.array_types import Bool, Int32

_REACH_SHARE = 0.005  # of the catalogue's places by popularity, up and down from an item's own
_LEAST_REACH = 5


class Corruption:
    """Two ways to corrupt the baskets of one stretch of time."""

    def __init__(
        self, baskets: Sequence[HeldOut], n_items: int, random: np.random.Generator
    ) -> None:
        """Sorts the baskets by size.

        Args:
            baskets: of one stretch of time.
            n_items: of the catalogue, whose items are in the order of their popularity.
            random: decides.
        """
        self._items: list[Int32] = [basket.items for basket in baskets]
        self._users = np.array([basket.user for basket in baskets])
        sizes = np.array([len(items) for items in self._items])
        self._order = np.argsort(sizes, kind="stable")
        self._sizes = sizes[self._order]
        self._n_items = n_items
        self._reach = max(_LEAST_REACH, round(_REACH_SHARE * n_items))
        self._random = random

    def foreign(self, user: int, size: int) -> Int32 | None:
        """Another user's basket of this size; if none is, of the nearest size there is.

        Returns:
            Its items, ascending; None if all baskets are the user's own.
        """
        others = self._users[self._order] != user
        if not others.any():
            return None
        apart = np.where(others, np.abs(self._sizes - size), np.iinfo(np.int64).max)
        nearest = np.flatnonzero(apart == apart.min())
        return self._items[int(self._order[self._random.choice(nearest)])]

    def swapped(self, items: Int32, count: int) -> tuple[Int32, Bool]:
        """The basket with some of its items replaced by strangers of like popularity.

        Each stranger is drawn evenly from the places next to the item's own in the order of
        popularity, without the basket's items.

        Args:
            items: (n,) the basket.
            count: how many are replaced; where the catalogue has too few others, fewer.

        Returns:
            (n,) int32 items, ascending, and whether each was there before.
        """
        there = set(items.tolist())
        after, kept = items.copy(), np.ones(len(items), np.bool_)
        for place in self._random.permutation(len(items))[:count].tolist():
            stranger = self._stranger(int(items[place]), there)
            if stranger is not None:
                there.add(stranger)
                after[place], kept[place] = stranger, False
        order = np.argsort(after)
        return after[order], kept[order]

    def _stranger(self, item: int, there: set[int]) -> int | None:
        reach = self._reach
        while True:
            low, high = max(0, item - reach), min(self._n_items, item + reach + 1)
            free = [each for each in range(low, high) if each not in there]
            if free:
                return int(self._random.choice(free))
            if high - low == self._n_items:
                return None
            reach *= 2
