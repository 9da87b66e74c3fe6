"""Overload: few requests wait, in order; the others are told at once to come back later."""

import asyncio
import re
from collections import deque
from collections.abc import Callable

from service.head_limit import LimitedProtocol
from service.problems import ProblemError

__all__ = ["Queue", "SheddingProtocol"]

_RETRY_AFTER_S = 1


class Queue:
    """The requests of a process that wait for their turn.

    One of them is answered in each iteration of the event loop. In between, the loop reads what
    has arrived meanwhile, so that who has to come back later learns it within one answer's time.
    """

    def __init__(self, limit: int, on_shed: Callable[[], None]) -> None:
        self._limit = limit
        self.on_shed = on_shed
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
            self.on_shed()
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


class SheddingProtocol(LimitedProtocol):
    """Sheds requests for recommendations before they cost anything.

    It takes a tenth of the time that the app would take to say the same. It only knows those whose
    head arrives in one piece; the rest is left to `Queue`.
    """

    _unread = 0  # bytes that are still to come of a request that was shed

    def data_received(self, data: bytes) -> None:
        """Answer that it is too busy, or read on."""
        if self._unread:
            passed_over = min(self._unread, len(data))
            self._unread -= passed_over
            if not (data := data[passed_over:]):
                return
        queue: Queue | None = self.app_state.get("queue")
        if queue and self._is_idle() and not queue.has_room(self.loop):
            length = _length(data)
            if length is not None and length >= len(data):
                self._unread = length - len(data)
                self.transport.write(_TOO_BUSY)
                queue.on_shed()
                return
        super().data_received(data)

    def _is_idle(self) -> bool:
        """Whether a new request begins, and none before it still waits for its answer."""
        begins = self._in_head and not self._head_bytes
        return begins and (self.cycle is None or self.cycle.response_complete)


def _length(data: bytes) -> int | None:
    """The bytes of the request for a recommendation that `data` begins with, if it does."""
    head = data.find(b"\r\n\r\n")
    if head < 0 or not data.startswith(b"POST /recommend HTTP/1.1\r\n"):
        return None
    lengths = _LENGTH.findall(data, 0, head)
    return head + 4 + int(lengths[0]) if len(lengths) == 1 and lengths[0].isdigit() else None


def _encode(problem: ProblemError) -> bytes:
    response = problem.response()
    head = b"".join(b"%b: %b\r\n" % header for header in response.raw_headers)
    return b"HTTP/1.1 503 Service Unavailable\r\n%b\r\n%b" % (head, bytes(response.body))


# What tells where a request ends: one header, or it is for the parser to judge.
_LENGTH = re.compile(rb"\r\n(?:content-length|transfer-encoding)[ \t]*:[ \t]*([^\r]*)", re.I)
_TOO_BUSY = _encode(too_busy())
