"""Admission: a few requests wait for their turn; the others are refused at once."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from anyio import CapacityLimiter, to_thread

from service.http.arrivals import Arrivals
from service.http.problems import ProblemError

_T = TypeVar("_T")


class Queue:
    """The requests of a process that wait for their turn, first come, first served.

    One of them is answered in each iteration of the event loop. In between, the loop reads newly
    arrived requests, so that those that find the queue full are refused within one answer's time.
    At most `limit` requests wait; `on_shed` is called for each one that is refused.
    """

    def __init__(self, limit: int, on_shed: Callable[[], None]) -> None:
        self._limit = limit
        self._on_shed = on_shed
        self._turns: deque[asyncio.Future[None]] = deque()
        self._taken = False
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
            self._taken = True
            loop.call_soon(self._next, loop)
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
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():  # else its connection was closed while it waited
                turn.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._taken = False


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
