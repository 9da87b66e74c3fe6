"""Overload: few requests wait, in order; the others are told at once to come back later."""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from service.http.head_limit import HEAD_LIMIT_BYTES, LimitedProtocol
from service.http.middleware import SANE_ID, new_id
from service.http.problems import ProblemError

__all__ = ["Queue", "Shedding", "SheddingProtocol"]

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


class Shedding(NamedTuple):
    """What the protocol sheds by; the app hands it over under `shedding`, as it starts.

    Attributes:
        queue: where requests would wait.
        body_limit_bytes: a longer body is for the app to refuse.
        observe: is told of each request that was shed.
    """

    queue: Queue
    body_limit_bytes: int
    observe: Callable[[], None]


class SheddingProtocol(LimitedProtocol):
    """Sheds requests for recommendations before they cost anything.

    It takes an eighth of the time that the app would take to say the same. It only knows those
    whose head arrives in one piece and has nothing unusual; the rest is left to `Queue`.
    """

    _unread = 0  # bytes that are still to come of a request that was shed

    def data_received(self, data: bytes) -> None:
        """Answer that it is too busy, or read on."""
        if self._unread:
            passed_over = min(self._unread, len(data))
            self._unread -= passed_over
            self._stay()
            if not (data := data[passed_over:]):
                return
        if data.startswith(_REQUEST_LINE) and self._is_idle() and self._shed(data):
            return
        super().data_received(data)

    def _is_idle(self) -> bool:
        """Whether a new request begins, and the answers to all before it are on their way."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._in_message and not self.flow.write_paused

    def _shed(self, data: bytes) -> bool:
        """Shed the request that `data` begins with; returns whether it could and had to be."""
        shedding: Shedding | None = self.app_state.get("shedding")
        if shedding is None or shedding.queue.has_room(self.loop):
            return False
        head = _HEADERS.match(data, len(_REQUEST_LINE), HEAD_LIMIT_BYTES)
        if head is None or (body_bytes := int(head[1])) > shedding.body_limit_bytes:
            return False
        if (unread := head.end() + body_bytes - len(data)) < 0:
            return False  # another request follows, whose answer has to come second
        self._unread = unread
        self.transport.write(_too_busy_bytes(data, head.end()))
        self._stay()
        shedding.observe()
        return True

    def _stay(self) -> None:
        """Begin anew to wait for the next request, as uvicorn does after an answer of the app's."""
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )


def _too_busy_bytes(data: bytes, head_end: int) -> bytes:
    """The answer to the request that `data` begins with, under its id if it brought one."""
    named = _REQUEST_ID.search(data, 0, head_end)
    name = named[1] if named else new_id()
    body = _BODY % name
    return _HEAD % (len(body), name) + body


def _template() -> tuple[bytes, bytes]:
    """The head of the answer, but for its body's length and its id, and the body but for the id."""
    response = too_busy().response()
    headers = dict(response.raw_headers) | {b"content-length": b"%d", b"x-request-id": b"%b"}
    lines = (b"%b: %b\r\n" % header for header in headers.items())
    head = b"HTTP/1.1 503 Service Unavailable\r\n%b\r\n" % b"".join(lines)
    return head, bytes(response.body).replace(b'"request_id":null', b'"request_id":"%b"')


_HEAD, _BODY = _template()
_REQUEST_LINE = b"POST /recommend HTTP/1.1\r\n"
_REQUEST_ID = re.compile(rb"\nx-request-id:[ \t]*(%b)[ \t]*\r" % SANE_ID, re.I)

# Lines that neither tell where the request ends, nor ask for more than the answer to it.
_OTHERS = rb"""
    (?:
        (?!(?:content-length|transfer-encoding|expect|upgrade|origin):)
        (?!connection:(?![ ]?keep-alive\r))
        [\w!#$%&'*+.^`|~-]++ : [^\x00-\x08\n-\x1f\x7f]*+ \r\n
    )*+
"""
# All the lines of a head, to its end, with one length among them: else the parser has to judge.
_HEADERS = re.compile(
    _OTHERS + rb"content-length: [ \t]*+ (\d{1,7}) [ \t]*+ \r\n" + _OTHERS + rb"\r\n",
    re.IGNORECASE | re.VERBOSE,
)
