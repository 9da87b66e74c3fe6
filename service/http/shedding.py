"""Shedding: what is refused under overload is refused before it costs anything."""

import re
from collections.abc import Callable
from typing import NamedTuple

from service.http.admission import Queue, too_busy
from service.http.head_limit import HEAD_LIMIT_BYTES, LimitedProtocol
from service.http.middleware import SANE_ID, new_id


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
