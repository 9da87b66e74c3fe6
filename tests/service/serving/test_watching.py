"""Looks that succeed, fail or hang."""

from collections.abc import Callable
from itertools import count
from threading import Event

import pytest

from service.serving.watching import Watch


def watch_until_over(look: Callable[[int], object]) -> list[str]:
    """Look until a look says that it is enough; returns what was observed."""
    numbers, enough = count(), Event()
    observed: list[str] = []

    def look_once() -> None:
        if look(next(numbers)) == "enough":
            enough.set()

    watch = Watch("files", look_once, observed.append, patience_s=0.01)
    enough.wait()
    watch.stop()
    assert watch.looked
    return observed


def test_it_looks_again_and_again() -> None:
    observed = watch_until_over(lambda number: "enough" if number == 2 else "")
    assert observed[:2] == ["files", "files"]


def test_a_look_that_fails_is_logged_and_the_next_one_made(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail_at_first(number: int) -> str:
        if not number:
            raise ZeroDivisionError("the first")
        return "enough" if number == 2 else ""

    assert len(watch_until_over(fail_at_first)) in (1, 2)  # all but the first, perhaps the last
    (record,) = caplog.records
    assert record.getMessage() == "looking at files failed"
    assert "the first" in caplog.text


def test_a_look_that_hangs_is_told_and_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    looks = []

    def hang_at_first(number: int) -> str:
        looks.append(number)
        while not number and "its disk may hang" not in caplog.text:
            pass
        return "enough" if number else ""

    assert watch_until_over(hang_at_first)[0] == "files"
    assert looks == [0, 1]
    assert "looking at files has ended" in caplog.text
