"""Admission: few requests wait, in order; the others are told at once to come back later."""

import asyncio
from collections import deque
from collections.abc import Callable

from service.http.problems import ProblemError

_RETRY_AFTER_S = 1


class Queue:
    """The requests of a process that wait for their turn.

    One of them is answered in each iteration of the event loop. In between, the loop reads what
    has arrived meanwhile, so that who has to come back later learns it within one answer's time.
    """

    def __init__(self, limit: int, on_shed: Callable[[], None]) -> None:
        self._limit = limit
        self._on_shed = on_shed
        self._turns: deque[asyncio.Future[None]] = deque()
        self._taken = False
        self._arrived = 0  # in this iteration: they have not asked for their turn yet

    async def turn(self) -> None:
        """Return when it is the caller's turn.

        Raises:
            ProblemError: 503, too many wait.
        """
        loop = asyncio.get_running_loop()
        if not self._taken:
            self._taken = True
            loop.call_soon(self._next, loop)
            return
        if len(self._turns) >= self._limit:
            self._on_shed()
            raise too_busy()
        turn = loop.create_future()
        self._turns.append(turn)
        await turn

    def has_room(self, loop: asyncio.AbstractEventLoop) -> bool:
        """Whether a request that has just arrived may ask for its turn; it is counted, then."""
        if len(self._turns) + self._arrived >= self._limit:
            return False
        if not self._arrived:
            loop.call_soon(self._forget)
        self._arrived += 1
        return True

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():  # whoever waited was not cut off meanwhile
                turn.set_result(None)
                loop.call_soon(self._next, loop)
                return
        self._taken = False

    def _forget(self) -> None:
        self._arrived = 0


def too_busy() -> ProblemError:
    """What is told to whoever cannot wait."""
    detail = "More requests came than can be answered. Come back later."
    return ProblemError(503, detail, headers={"Retry-After": str(_RETRY_AFTER_S)})
