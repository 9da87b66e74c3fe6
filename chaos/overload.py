"""Overload: more requests than a worker can answer."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bench.processes import CORES
from bench.serving.load import Generator
from bench.serving.running import SERVE, running
from chaos.outcome import Outcome
from chaos.trial import Trial

__all__ = ["outcomes"]

_TIMES = 3
_AT_MOST_MS = 50
_SHED_MS = 5
_OF_CAPACITY = 0.9


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """Send a worker several times as many requests as it can answer."""
    with running(SERVE, bundle, {CORES[0]}) as service:
        trial = Trial(service.url, load, rate, seconds)
        capacity = trial.capacity()
        rush = _TIMES * capacity
        found = trial.outcome(
            f"{_TIMES} times capacity", lambda: None, lambda: None, _AT_MOST_MS, rush
        )
    reached = found.answered / capacity
    kept, remark = reached >= _OF_CAPACITY, f"{reached:.0%} of capacity answered"
    if found.shed_ms is not None:
        kept = kept and found.shed_ms <= _SHED_MS
        remark = f"{remark}, 503 within {found.shed_ms:.1f} ms (p99)"
    yield replace(found, kept=kept, remark=remark)
