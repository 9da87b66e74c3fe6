"""Calls that may hang, and a process that ends all the same."""

import errno
import subprocess
import sys
from collections.abc import Callable
from threading import Event

import pytest

from service.support.apart import apart, in_time


def test_results_and_errors_are_those_of_the_call() -> None:
    assert apart(divmod, 7, 2).result() == (3, 1)
    assert in_time(60, divmod, 7, 2) == (3, 1)
    with pytest.raises(ZeroDivisionError):
        apart(divmod, 7, 0).result()
    with pytest.raises(ZeroDivisionError):
        in_time(60, divmod, 7, 0)


def test_a_call_that_times_out_by_itself_is_not_taken_for_a_hanging_one() -> None:
    def fail() -> None:
        raise TimeoutError("its own")

    for _ in range(2):
        with pytest.raises(TimeoutError, match="its own"):
            in_time(60, fail)


def test_a_hanging_call_is_given_up_and_made_once() -> None:
    calls, over = [], Event()

    def hang(argument: int) -> int:
        calls.append(argument)
        over.wait()
        return argument

    for _ in range(3):
        with pytest.raises(TimeoutError, match="no answer within") as hangs:
            in_time(0.01, hang, 1)
        assert hangs.value.errno == errno.ETIMEDOUT
    assert calls == [1]
    over.set()
    assert in_time(60, hang, 2) == 2  # other arguments are another call
    while (found := [*attempt(hang)]) != [1]:
        assert found == []
    assert calls == [1, 2]


def attempt(hang: Callable[[int], int]) -> list[int]:
    """The result of the call that hung, once it has returned."""
    try:
        return [in_time(0.01, hang, 1)]
    except TimeoutError:
        return []


def test_a_process_ends_beside_a_call_that_hangs() -> None:
    code = (
        "from threading import Event\n"
        "from service.support.apart import apart, leave\n"
        "apart(Event().wait)\n"
        "print('before', end='')\n"
        "leave(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert (done.returncode, done.stdout) == (3, b"before")
