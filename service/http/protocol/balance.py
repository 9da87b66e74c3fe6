"""How the workers of a service share its connections.

A connection that clients keep open stays with the worker that accepted it. So the worker with the
fewest connections in use accepts the next one, and a worker with clearly more than the average
closes some of them, each with an answer: their clients connect again.
"""

from collections.abc import MutableSequence
from typing import TypeAlias

_Counts: TypeAlias = "MutableSequence[int] | memoryview[int]"

PERIOD_S = 1.0
"""Seconds for which a connection counts as in use after a request, at least."""

ABSENT = -1
"""Stands for a worker that does not accept connections."""

_TOLERATED = 0.1  # of the average, above it


class Balance:
    """The connections in use of this worker, beside those of the others."""

    def __init__(self, counts: _Counts, place: int) -> None:
        """Begins with none.

        Args:
            counts: connections in use of each worker, `ABSENT` for none; all workers share it.
            place: of this worker in it.
        """
        self._counts = counts
        self._place = place
        self._used: set[object] = set()  # in this period
        self._used_before: set[object] = set()  # in the one before
        self._surplus = 0
        self._ignored: dict[int, int] = {}  # counts by place

    def begin(self) -> None:
        """Take part: this worker accepts connections from now on."""
        self._counts[self._place] = 0

    def end(self) -> None:
        """Take part no longer."""
        self._counts[self._place] = ABSENT
        self._surplus = 0

    def use(self, connection: object) -> None:
        """Take note that a connection is new, or that it was used."""
        if connection not in self._used:
            self._used.add(connection)
            if connection not in self._used_before:
                self._add(1)

    def forget(self, connection: object) -> None:
        """Take note that a connection has ended."""
        if connection in self._used or connection in self._used_before:
            self._add(-1)
        self._used.discard(connection)
        self._used_before.discard(connection)

    def turn(self) -> None:
        """Begin the next period: connections that were not used in this one no longer count."""
        self._used_before, self._used = self._used, set()
        self._ignored = {}
        if self._counts[self._place] == ABSENT:
            return
        own = self._counts[self._place] = len(self._used_before)
        others = self._others().values()
        average = (own + sum(others)) / (1 + len(others))
        is_more = own - average > max(1, _TOLERATED * average)
        # Half of it, since others may close some as well, and their clients need time to return.
        self._surplus = max(1, int((own - average) / 2)) if is_more else 0

    @property
    def is_next(self) -> bool:
        """Whether no other worker that is waited for has fewer connections in use."""
        own = self._counts[self._place]
        others = self._others().items()
        return all(own <= count or self._ignored.get(place) == count for place, count in others)

    def wait_no_more(self) -> None:
        """Leave no connection to the others, in this period, until they have accepted one."""
        self._ignored = self._others()

    def closes_one(self) -> bool:
        """Return whether the connection that is answered now is one too many."""
        if self._surplus:
            self._surplus -= 1
            return True
        return False

    def _add(self, change: int) -> None:
        if self._counts[self._place] != ABSENT:
            self._counts[self._place] += change

    def _others(self) -> dict[int, int]:
        """The counts of the others by place."""
        counts = enumerate(self._counts)
        return {place: n for place, n in counts if place != self._place and n != ABSENT}
