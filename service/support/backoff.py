"""Backoff: what fails is tried again, after waits that double."""

from collections.abc import Callable
from time import monotonic


class Backoff:
    """When the next attempt is due."""

    def __init__(
        self, first_s: float, most_s: float, clock: Callable[[], float] = monotonic
    ) -> None:
        """Waits `first_s` after the first failure, and never longer than `most_s`."""
        self._first_s = first_s
        self._most_s = most_s
        self._clock = clock
        self._wait_s = first_s
        self._due = float("-inf")

    @property
    def left_s(self) -> float:
        """Seconds until the next attempt is due; 0 if it is."""
        return max(0.0, self._due - self._clock())

    def fail(self) -> float:
        """Take note that an attempt failed, and return the seconds until the next one."""
        wait_s = self._wait_s
        self._due = self._clock() + wait_s
        self._wait_s = min(2 * wait_s, self._most_s)
        return wait_s

    def reset(self) -> None:
        """Begin anew: an attempt succeeded, or something has changed."""
        self._wait_s = self._first_s
        self._due = float("-inf")
