"""Shedding: under overload, requests are refused before any work is done for them."""

import re
from collections.abc import Callable
from typing import NamedTuple

from service.http.admission import Queue, too_busy
from service.http.middleware import SAFE_ID, new_id
from service.http.protocol.limited import HEAD_LIMIT_BYTES
from service.http.protocol.timed import TimedProtocol


class Shedding(NamedTuple):
    """What the protocol needs of the app, which puts it into its state as `shedding`.

    Attributes:
        queue: where requests wait.
        body_limit_bytes: requests with longer bodies are left to the app, which refuses them.
        observe: called for each request that is shed.
    """

    queue: Queue
    body_limit_bytes: int
    observe: Callable[[], None]


class SheddingProtocol(TimedProtocol):
    """Refuses requests for recommendations while the queue is full.

    This takes an eighth of the time in which the app would give the same answer. It handles plain
    requests whose head arrives in one read; all others are left to `Queue`.
    """

    _unread = 0  # bytes of a request that was shed, and that have not arrived yet

    def data_received(self, data: bytes) -> None:
        """Shed the request that begins here, or parse it."""
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
        """Shed the request that `data` begins with, if it must and can be; return whether so."""
        shedding: Shedding | None = self.app_state.get("shedding")
        if shedding is None or shedding.queue.has_room(self.loop):
            return False
        head = _HEADERS.match(data, len(_REQUEST_LINE), HEAD_LIMIT_BYTES)
        if head is None or (body_bytes := int(head[1])) > shedding.body_limit_bytes:
            return False
        if (unread := head.end() + body_bytes - len(data)) < 0:
            return False  # another request follows, which the app must answer after this one
        self._unread = unread
        self.transport.write(_too_busy_bytes(data, head.end()))
        shedding.observe()
        return True


def _too_busy_bytes(data: bytes, head_end: int) -> bytes:
    """Return the answer to the request that `data` begins with, with its id if it has one."""
    sent = _REQUEST_ID.search(data, 0, head_end)
    name = sent[1] if sent else new_id()
    body = _BODY % name
    return _HEAD % (len(body), name) + body


def _template() -> tuple[bytes, bytes]:
    """Return head and body of the answer; %d stands for the body's length, %b for the id."""
    response = too_busy().response()
    headers = dict(response.raw_headers) | {b"content-length": b"%d", b"x-request-id": b"%b"}
    lines = (b"%b: %b\r\n" % header for header in headers.items())
    head = b"HTTP/1.1 503 Service Unavailable\r\n%b\r\n" % b"".join(lines)
    return head, bytes(response.body).replace(b'"request_id":null', b'"request_id":"%b"')


_HEAD, _BODY = _template()
_REQUEST_LINE = b"POST /recommend HTTP/1.1\r\n"
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
