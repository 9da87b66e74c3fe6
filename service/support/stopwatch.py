"""A stopwatch: how long each stage of some work takes."""

from collections.abc import Callable
from time import CLOCK_MONOTONIC, clock_gettime

Observe = Callable[[str, float], None]
"""Is told the name of a stage and the seconds that it took."""


class Stopwatch:
    """Tells an observer how long each stage took, if there is one."""

    def __init__(self, observe: Observe | None) -> None:
        """Starts it."""
        self._observe = observe
        self._last = clock_gettime(CLOCK_MONOTONIC)

    def lap(self, stage: str, end: float | None = None) -> None:
        """Ends a stage: now, or when the clock of compiled loops showed `end`."""
        if self._observe is not None:
            end = clock_gettime(CLOCK_MONOTONIC) if end is None else end
            self._observe(stage, end - self._last)
            self._last = end
