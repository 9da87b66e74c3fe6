"""Supply: the candidates of a request, and those that business rules add."""

import numpy as np

from service.support.arrays.array_types import Bool, Int32


class Supply:
    """The candidates of one request, to which more can be added."""

    def __init__(self, items: Int32, eligible: Bool) -> None:
        """Begins with some candidates.

        Args:
            items: (n,) int32, distinct, eligible, ascending.
            eligible: (n_items,) which items may be recommended; item 0 is the most popular.
        """
        self._items = items
        self._eligible = eligible
        self._marks = np.zeros(len(eligible), np.bool_)
        self._marks[items] = True
        self._grown = False

    def count(self, marked: Bool) -> int:
        """The number of candidates among the marked items, (n_items,)."""
        return int(np.count_nonzero(self._marks & marked))

    def add(self, members: Int32, wanted: int, marked: Bool | None = None) -> None:
        """Adds eligible members, the most popular first, until `wanted` of them are candidates.

        Args:
            members: (m,) int32, ascending.
            wanted: number of members among the candidates.
            marked: (n_items,) only these members count and are added; None for all.
        """
        if marked is not None:
            members = members[marked[members]]
        present = self._marks[members]
        lacking = wanted - np.count_nonzero(present)
        if lacking > 0:
            new = members[self._eligible[members] & ~present][:lacking]
            self._marks[new] = True
            self._grown = self._grown or len(new) > 0

    def items(self) -> Int32:
        """The candidates, ascending."""
        return np.flatnonzero(self._marks).astype(np.int32) if self._grown else self._items
