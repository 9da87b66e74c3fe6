"""Corrupted baskets: the negative examples of the basket score."""

from collections.abc import Sequence

import numpy as np

from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Bool, Int32

_REACH_SHARE = 0.005  # of the catalogue, up and down from an item by popularity
_LEAST_REACH = 5


class Corruption:
    """Two ways to corrupt the baskets of one period."""

    def __init__(
        self, baskets: Sequence[HeldOut], n_items: int, random: np.random.Generator
    ) -> None:
        """Sorts the baskets by size.

        Args:
            baskets: the baskets of one period.
            n_items: size of the catalogue, whose items are ordered by popularity.
            random: source of all random choices.
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
        """A basket of another user, of this size or the nearest there is.

        Returns:
            Its items, ascending; None if all baskets are this user's.
        """
        others = self._users[self._order] != user
        if not others.any():
            return None
        apart = np.where(others, np.abs(self._sizes - size), np.iinfo(np.int64).max)
        nearest = np.flatnonzero(apart == apart.min())
        return self._items[int(self._order[self._random.choice(nearest)])]

    def swapped(self, items: Int32, count: int) -> tuple[Int32, Bool]:
        """The basket with some of its items replaced by others of similar popularity.

        Each replacement is drawn uniformly from the items next to the replaced one in the order of
        popularity that are not in the basket.

        Args:
            items: (n,) the basket.
            count: number of items to replace; fewer if the catalogue has too few others.

        Returns:
            (n,) int32 items, ascending, and (n,) whether each was there before.
        """
        there = set(items.tolist())
        after, kept = items.copy(), np.ones(len(items), np.bool_)
        for place in self._random.permutation(len(items))[:count].tolist():
            replacement = self._replacement(int(items[place]), there)
            if replacement is not None:
                there.add(replacement)
                after[place], kept[place] = replacement, False
        order = np.argsort(after)
        return after[order], kept[order]

    def _replacement(self, item: int, there: set[int]) -> int | None:
        reach = self._reach
        while True:
            low, high = max(0, item - reach), min(self._n_items, item + reach + 1)
            free = [each for each in range(low, high) if each not in there]
            if free:
                return int(self._random.choice(free))
            if high - low == self._n_items:
                return None
            reach *= 2
