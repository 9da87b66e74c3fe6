"""Admission: a few requests wait for their turn; the others are refused at once."""

import asyncio
from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from service.http.arrivals import Arrivals
from service.http.problems import ProblemError

_T = TypeVar("_T")

_ITERATION_S = 0.002  # for turns in an iteration of the event loop
_MOST = 8  # turns in it
_RECENT = 0.2  # weight of the latest turns in the average


class Queue:
    """The requests of a process that wait for their turn, first come, first served.

    In each iteration of the event loop as many are answered as take two milliseconds, and at least
    one. (An iteration itself takes a tenth of the time of an answer.) In between, the loop reads
    newly arrived requests, so that those that find the queue full are refused soon. At most `limit`
    requests wait; `on_shed` is called for each one that is refused.
    """

    def __init__(self, limit: int, on_shed: Callable[[], None]) -> None:
        self._limit = limit
        self._on_shed = on_shed
        self._turns: deque[asyncio.Future[None]] = deque()
        self._taken = 0  # turns in this iteration
        self._taken_at = 0.0
        self._turn_s = _ITERATION_S  # that a turn takes, on average
        self._arrived = Arrivals()  # that do not wait yet

    async def turn(self) -> None:
        """Return when it is the caller's turn.

        Raises:
            ProblemError: 503, too many requests wait.
        """
        if self._taken and len(self._turns) >= self._limit:
            self._on_shed()
            raise too_busy()
        await self.another_turn()

    async def another_turn(self) -> None:
        """Return when it is the turn, again, of a caller that had one: it is not refused."""
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._give(1, loop)
            return
        turn = loop.create_future()
        self._turns.append(turn)
        await turn

    def has_room(self) -> bool:
        """Return whether a request that has just arrived may wait, and count it if so."""
        if len(self._turns) + self._arrived.count() >= self._limit:
            return False
        self._arrived.add()
        return True

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the next turns, after those of the iteration before."""
        taken_s = (perf_counter() - self._taken_at) / self._taken
        self._turn_s += _RECENT * (taken_s - self._turn_s)
        most = max(1, min(_MOST, int(_ITERATION_S / self._turn_s)))
        given = 0
        while self._turns and given < most:
            turn = self._turns.popleft()
            if not turn.done():  # else its connection was closed while it waited
                turn.set_result(None)
                given += 1
        self._give(given, loop)

    def _give(self, turns: int, loop: asyncio.AbstractEventLoop) -> None:
        """Take note of the turns of this iteration; the next ones come after them."""
        self._taken = turns
        if turns:
            self._taken_at = perf_counter()
            loop.call_soon(self._next, loop)


class Threads:
    """A few threads for work that would hold up the event loop, and few requests that wait."""

    def __init__(self, threads: int, waiting: int) -> None:
        self._limiter = CapacityLimiter(threads)
        self._places = threads + waiting

    async def run(self, call: Callable[[], _T]) -> _T:
        """Return the result of a call in one of the threads.

        Raises:
            ProblemError: 503, too many requests wait.
        """
        if not self._places:
            raise too_busy()
        self._places -= 1
        try:
            return await to_thread.run_sync(call, limiter=self._limiter)
        finally:
            self._places += 1


def too_busy() -> ProblemError:
    """Return the problem that refuses a request because too many wait."""
    detail = "More requests came than can be answered. Come back later."
    return ProblemError(503, detail, headers={"Retry-After": "1"})
