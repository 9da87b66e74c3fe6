"""A circuit breaker: a store that fails five times in a row is left alone for a second."""

from collections.abc import Callable
from dataclasses import dataclass
from time import monotonic

LEFT_ALONE_S = 1
_FAILURES_IN_A_ROW = 5


@dataclass
class Turn:
    """Permission to ask the store once.

    Attributes:
        trial: whether it is the one request that finds out if the store is back.
        failed: the result; None if the store was not asked.
    """

    trial: bool = False
    failed: bool | None = None


def unobserved(_is_open: bool) -> None:
    """Report to nobody whether a circuit is open."""


class Circuit:
    """Gives turns and counts their results; for one thread, such as that of an event loop.

    Attributes:
        times_opened: how often the store was left alone.
    """

    def __init__(
        self,
        clock: Callable[[], float] = monotonic,
        observe: Callable[[bool], None] = unobserved,
    ) -> None:
        """Is closed at first.

        Args:
            clock: gives the seconds of now.
            observe: called with whether it is open, at once and when that changes.
        """
        self.times_opened = 0
        self._clock = clock
        self._observe = observe
        self._failures = 0  # in a row
        self._left_alone_until = 0.0
        self._trying = False
        observe(False)

    @property
    def _is_open(self) -> bool:
        return self._failures >= _FAILURES_IN_A_ROW

    def turn(self) -> Turn | None:
        """Return a turn; None while the store is left alone or a trial is under way."""
        if not self._is_open:
            return Turn()
        if self._trying or self._clock() < self._left_alone_until:
            return None
        self._trying = True
        return Turn(trial=True)

    def over(self, turn: Turn) -> None:
        """Count the result of a turn; later results of its thread are ignored."""
        if turn.trial:
            self._trying = False
        if turn.failed is None:
            return
        was_open = self._is_open
        self._failures = self._failures + 1 if turn.failed else 0
        if self._is_open:
            self._left_alone_until = self._clock() + LEFT_ALONE_S
            self.times_opened += 1
        if self._is_open != was_open:
            self._observe(self._is_open)
