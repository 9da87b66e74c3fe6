"""A stopwatch: how long each stage of some work takes."""

from collections.abc import Callable
from time import perf_counter

Observe = Callable[[str, float], None]
"""Is told the name of a stage and the seconds that it took."""


def stopwatch(observe: Observe | None) -> Callable[[str], None]:
    """Return what is called with the name of each stage at its end; None observes nothing."""
    if observe is None:
        return lambda _stage: None
    last = perf_counter()

    def lap(stage: str) -> None:
        nonlocal last
        now = perf_counter()
        observe(stage, now - last)
        last = now

    return lap
