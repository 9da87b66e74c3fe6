"""When a store that fails is asked: five failures in a row, and it is left alone for a second."""

from contextlib import suppress
from dataclasses import dataclass

from circuitbreaker import CircuitBreaker

from service.profiles.store.errors import ProfileStoreError

__all__ = ["LEFT_ALONE_S", "Circuit", "Turn"]

LEFT_ALONE_S = 1
_FAILURES_IN_A_ROW = 5


@dataclass
class Turn:
    """Leave to ask the store once.

    Attributes:
        trial: whether it is to find out if the store is back.
        failed: how that went; None if the store was not needed.
    """

    trial: bool = False
    failed: bool | None = None


class Circuit:
    """Gives turns, and takes them back; for one thread, such as that of an event loop.

    Attributes:
        times_opened: changes whenever the store is left alone.
    """

    def __init__(self) -> None:
        self.times_opened = 0
        self._breaker = CircuitBreaker(_FAILURES_IN_A_ROW, LEFT_ALONE_S)
        self._trying = False

    def turn(self) -> Turn | None:
        """Return leave to ask; None while the store is left alone, or somebody tries it."""
        if self._breaker.closed:
            return Turn()
        if self._breaker.opened or self._trying:
            return None
        self._trying = True
        return Turn(trial=True)

    def over(self, turn: Turn) -> None:
        """Count how a turn went; what its thread does from now on changes nothing."""
        if turn.trial:
            self._trying = False
        if turn.failed is None:
            return
        if not turn.failed:
            self._breaker.reset()
            return
        with suppress(ProfileStoreError), self._breaker:
            raise ProfileStoreError
        if self._breaker.opened:
            self.times_opened += 1
