"""The stopwatch: stages that follow one another, and the clock that compiled loops read."""

from time import CLOCK_MONOTONIC, clock_gettime

import pytest

from service.support.compiled.clock import seconds
from service.support.stopwatch import Stopwatch


def test_a_compiled_loop_reads_the_same_clock() -> None:
    before = clock_gettime(CLOCK_MONOTONIC)
    assert before <= seconds() <= clock_gettime(CLOCK_MONOTONIC)


def test_stages_follow_one_another_without_a_gap() -> None:
    seen: list[tuple[str, float]] = []
    began = clock_gettime(CLOCK_MONOTONIC)
    watch = Stopwatch(lambda stage, took: seen.append((stage, took)))
    inside = seconds()
    watch.lap("first", inside)
    watch.lap("second", inside + 2)
    watch.lap("third", inside + 2.5)
    watch.lap("last")
    ended = clock_gettime(CLOCK_MONOTONIC)
    assert [stage for stage, _ in seen] == ["first", "second", "third", "last"]
    assert [took for _, took in seen[1:3]] == pytest.approx([2, 0.5])
    assert seen[0][1] >= 0
    assert sum(took for _, took in seen) <= ended - began


def test_without_an_observer_nothing_is_told() -> None:
    Stopwatch(None).lap("any")
