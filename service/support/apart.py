"""Calls in threads of their own, which a hanging disk may hold up and the process leaves behind.

A network disk that hangs can block a reader for hours. `asyncio.to_thread` and executors wait for
their threads at the end of the process; the threads of this module are not waited for.
"""

import errno
import logging
import os
import sys
from collections.abc import Callable, Hashable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager, suppress
from functools import partial
from threading import Thread
from threading import enumerate as running_threads
from types import TracebackType
from typing import Any, NoReturn, ParamSpec, TypeVar

_T = TypeVar("_T")
_P = ParamSpec("_P")

_NAME = "apart"
_LOG_S = 1.0

# The calls of `in_time` that were given up and have not returned, by function and arguments.
_hanging: dict[Hashable, Future[Any]] = {}


def apart(call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> Future[_T]:
    """Start a call in a daemon thread of its own, and return its future result."""
    future: Future[_T] = Future()
    future.set_running_or_notify_cancel()  # so that nothing can cancel it
    call_now = partial(call, *args, **kwargs)
    Thread(target=_run, args=(future, call_now), name=_NAME, daemon=True).start()
    return future


def in_time(timeout_s: float, call: Callable[_P, _T], *args: _P.args, **kwargs: _P.kwargs) -> _T:
    """Return the result of a call, or give it up.

    A call that was given up is not made a second time while it hangs. Once it has returned, the
    next caller gets its result.

    Raises:
        OSError: it takes longer than `timeout_s` (ETIMEDOUT).
    """
    key = (call, args, tuple(kwargs.items()))
    hanging = _hanging.pop(key, None)
    future: Future[_T] = hanging or apart(call, *args, **kwargs)
    returned, _ = wait([future], 0 if hanging else timeout_s)
    if not returned:
        _hanging[key] = future
        raise OSError(errno.ETIMEDOUT, f"no answer within {timeout_s:g} s")
    return future.result()


@contextmanager
def giving_way() -> Iterator[None]:
    """Let requests have the interpreter as soon as they ask for it, not 5 ms later."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(0.0001)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def leave(code: int) -> None:
    """End the process; at once if threads of this module still run."""
    if any(thread.name == _NAME for thread in running_threads()):
        leave_at_once(code)
    sys.exit(code)


def leave_at_once(code: int) -> NoReturn:
    """End the process now, whatever else it does, but not before its log is written.

    A log that cannot be written, since nobody reads it, is given up.
    """
    sys.stdout.flush()
    with suppress(OSError):
        in_time(_LOG_S, logging.shutdown)
    os._exit(code)


class _Passing:
    """Passes an exception of the block on to a future."""

    def __init__(self, future: Future[Any]) -> None:
        self._future = future

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> bool:
        if error is not None:
            self._future.set_exception(error)
        return True


def _run(future: Future[_T], call: Callable[[], _T]) -> None:
    with _Passing(future):
        future.set_result(call())
