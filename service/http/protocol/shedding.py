"""Shedding: under overload, requests are refused before any work is done for them."""

import re
from collections.abc import Callable
from http import HTTPStatus

from service.http.admission import Queue, too_busy
from service.http.arrivals import Arrivals
from service.http.keys.access import Verdict, unauthorized
from service.http.middleware import SAFE_ID, new_id
from service.http.problems import ProblemError
from service.http.protocol.limited import HEAD_LIMIT_BYTES
from service.http.protocol.timed import TimedProtocol

_STRANGERS = 4  # requests without a valid key, in an iteration of the loop, that the app may log
_PAUSE_S = 0.1  # after which more is read of a client that takes part in a flood of them


class Shedding:
    """Decides which requests for recommendations are refused early; the app's state holds it."""

    def __init__(
        self,
        queue: Queue,
        forecast: Callable[[bytes], Verdict] | None,
        body_limit_bytes: int,
        observe: Callable[[int], None],
    ) -> None:
        """Takes what it decides by.

        Args:
            queue: where requests wait.
            forecast: tells from an Authorization header what the guard will do; None if it lets
                all requests pass.
            body_limit_bytes: requests with longer bodies are left to the app, which refuses them.
            observe: called with the status for each request that is refused early.
        """
        self.body_limit_bytes = body_limit_bytes
        self.observe = observe
        self._queue = queue
        self._forecast = forecast
        self._strangers = Arrivals()

    def refusal(self, data: bytes) -> "_Refusal | None":
        """Return the answer to the request that `data` begins with, if it must be refused.

        A request that will not pass the guard takes no place in the queue.
        """
        if self._forecast is not None:
            sent = _AUTHORIZATION.search(data, 0, max(0, data.find(b"\r\n\r\n")))
            verdict = self._forecast(sent[1] if sent else b"")
            if verdict != "passes":
                is_flood = verdict == "unknown" and self._strangers.add() > _STRANGERS
                return _UNAUTHORIZED if is_flood else None
        return None if self._queue.has_room() else _TOO_BUSY


class SheddingProtocol(TimedProtocol):
    """Refuses requests for recommendations while the queue is full, and floods of strangers.

    This takes an eighth of the time in which the app would give the same answer. It handles plain
    requests whose head arrives in one read; all others are left to the app.
    """

    _unread = 0  # bytes of a request that was refused, and that have not arrived yet

    def data_received(self, data: bytes) -> None:
        """Refuse the request that begins here, or parse it."""
        if self._unread:
            skipped = min(self._unread, len(data))
            self._unread -= skipped
            if not (data := data[skipped:]):
                self._wait()
                return
        if data.startswith(_REQUEST_LINE) and self._is_idle() and self._shed(data):
            self._unset_keepalive_if_required()
            self._connections.use(self)
            self._wait()
            return
        super().data_received(data)

    def _is_unfinished(self) -> bool:
        return self._unread > 0 or super()._is_unfinished()

    def _is_idle(self) -> bool:
        """Return whether a new request begins, and all before it are answered."""
        answered = self.cycle is None or self.cycle.response_complete
        return answered and not self._in_message and not self.flow.write_paused

    def _shed(self, data: bytes) -> bool:
        """Refuse the request that `data` begins with, if it must and can be; return whether so."""
        shedding: Shedding | None = self.app_state.get("shedding")
        if shedding is None or (refusal := shedding.refusal(data)) is None:
            return False
        head = _HEADERS.match(data, len(_REQUEST_LINE), HEAD_LIMIT_BYTES)
        if head is None or (body_bytes := int(head[1])) > shedding.body_limit_bytes:
            return False
        if (unread := head.end() + body_bytes - len(data)) < 0:
            return False  # another request follows, which the app must answer after this one
        self._unread = unread
        self.transport.write(refusal.to_request(data, head.end()))
        shedding.observe(refusal.status)
        if refusal is _UNAUTHORIZED:
            self.flow.pause_reading()
            self.loop.call_later(_PAUSE_S, self._read_on)
        return True

    def _read_on(self) -> None:
        if not self.transport.is_closing():
            self.flow.resume_reading()


class _Refusal:
    """A problem, prepared as the bytes of an answer."""

    def __init__(self, problem: ProblemError) -> None:
        self.status = problem.status
        response = problem.response()
        headers = dict(response.raw_headers) | {b"content-length": b"%d", b"x-request-id": b"%b"}
        lines = b"".join(b"%b: %b\r\n" % header for header in headers.items())
        line = f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n".encode()
        self._head = line + lines + b"\r\n"
        body = bytes(response.body).replace(b"%", b"%%")
        self._body = body.replace(b'"request_id":null', b'"request_id":"%b"')

    def to_request(self, data: bytes, head_end: int) -> bytes:
        """Return the answer to the request that `data` begins with, with its id if it has one."""
        sent = _REQUEST_ID.search(data, 0, head_end)
        name = sent[1] if sent else new_id()
        body = self._body % name
        return self._head % (len(body), name) + body


_TOO_BUSY, _UNAUTHORIZED = _Refusal(too_busy()), _Refusal(unauthorized())
_REQUEST_LINE = b"POST /recommend HTTP/1.1\r\n"
_AUTHORIZATION = re.compile(rb"\nauthorization:[ \t]*([^\r\n]*)", re.I)
_REQUEST_ID = re.compile(rb"\nx-request-id:[ \t]*(%b)[ \t]*\r" % SAFE_ID, re.I)

# Header lines without effect on where the request ends or on how it must be answered.
_OTHERS = rb"""
    (?:
        (?!(?:content-length|transfer-encoding|expect|upgrade|origin):)
        (?!connection:(?![ ]?keep-alive\r))
        [\w!#$%&'*+.^`|~-]++ : [^\x00-\x08\n-\x1f\x7f]*+ \r\n
    )*+
"""
# A whole head with exactly one Content-Length; any other is left to the parser.
_HEADERS = re.compile(
    _OTHERS + rb"content-length: [ \t]*+ (\d{1,7}) [ \t]*+ \r\n" + _OTHERS + rb"\r\n",
    re.IGNORECASE | re.VERBOSE,
)
