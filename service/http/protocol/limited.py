"""Limits of what a connection may send: heads, trailers, and requests before their turn."""

from http import HTTPStatus

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 16384
"""Limit of a request without its body: request line, headers, chunk sizes and trailers."""

_WAITING = 16  # requests of a connection that may wait for the answer to an earlier one
_WAITING_BYTES = 65536  # of their bodies
_UNWANTED_BYTES = 1 << 20  # of a body that goes on after its request was answered
_CHUNK_BYTES = 5  # the least that a chunk has besides its data: a digit and two line ends


_OF_BODIES = (b"content-length", b"transfer-encoding")


def refusal(status: HTTPStatus, text: str = "") -> bytes:
    """Return an answer, in plain text, after which the connection is closed."""
    fields = f"content-type: text/plain\r\ncontent-length: {len(text)}\r\nconnection: close"
    return f"HTTP/1.1 {status} {status.phrase}\r\n{fields}\r\n\r\n{text}".encode()


_TOO_LONG = refusal(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
_UNKNOWN_CODING = refusal(
    HTTPStatus.NOT_IMPLEMENTED, "Transfer-Encoding: expected chunked alone, once, or no such header"
)


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, which has no limits of its own, with the limits of this module.

    Trailers are dropped: the parser reports them as if they were headers of the request.
    """

    _in_message = False  # between the beginning of a head and the end of its request
    _in_head = True
    _outside_bytes = 0  # of this request, outside its body
    _read_bytes = 0  # of this read; 0 after the first request in it, since no more is counted
    _body_bytes = 0
    _refusal: bytes | None = None  # of a head that the parser does not refuse by itself
    _refused = False  # nothing that arrives is parsed any more

    def data_received(self, data: bytes) -> None:
        """Parse `data`; refuse what is too long by now."""
        if self._refused:
            return
        self._read_bytes = len(data)
        self._outside_bytes += self._read_bytes
        super().data_received(data)
        if self._outside_bytes > HEAD_LIMIT_BYTES:
            self.refuse(_TOO_LONG)

    def on_message_begin(self) -> None:
        """Note that a head has begun, which may be at the end of a read."""
        self._in_message = self._in_head = True
        self._outside_bytes, self._body_bytes = self._read_bytes, 0
        if len(self.pipeline) >= _WAITING:
            raise ValueError("too many requests wait")  # the parser gives up, and uvicorn refuses
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; drop a trailer."""
        if self._in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Refuse a head that is too long, or whose body would be taken for something else."""
        sizes = (len(name) + len(value) + 4 for name, value in self.headers)
        head_bytes = len(self.url) + sum(sizes)
        if head_bytes > HEAD_LIMIT_BYTES:
            self._refusal = _TOO_LONG
            raise ValueError("the head is too long")
        codings = [value for name, value in self.headers if name == b"transfer-encoding"]
        if codings and b",".join(codings).strip(b" \t").lower() != b"chunked":
            self._refusal = _UNKNOWN_CODING  # else the app would take what is coded for plain
            raise ValueError("the coding of the body is not known")
        self._outside_bytes = self._outside_bytes or head_bytes
        upgrade = self.parser.should_upgrade()  # the parser ends the request with its head
        if upgrade and any(name in _OF_BODIES for name, _ in self.headers):
            raise ValueError("a body cannot follow a request to upgrade")
        super().on_headers_complete()
        self._in_head = False
        if upgrade:
            self._close_when_answered()

    def on_chunk_header(self) -> None:
        """Do not count what every chunk needs."""
        if self._read_bytes:
            self._outside_bytes -= _CHUNK_BYTES

    def on_body(self, body: bytes) -> None:
        """Take a part of the body, unless it is not needed any more."""
        self._body_bytes += len(body)
        if self._read_bytes:
            self._outside_bytes -= len(body)
        if self.cycle.response_complete and self._body_bytes > _UNWANTED_BYTES:
            self.transport.close()
        super().on_body(body)
        if self.pipeline and sum(len(cycle.body) for cycle, _ in self.pipeline) > _WAITING_BYTES:
            raise ValueError("too much waits")

    def on_message_complete(self) -> None:
        """Note that another head may follow."""
        self._in_message, self._in_head = False, True
        self._outside_bytes = self._read_bytes = 0
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what the parser gave up on."""
        self.refuse(self._refusal or refusal(HTTPStatus.BAD_REQUEST, msg))

    def refuse(self, answer: bytes) -> None:
        """Parse no more; answer, unless other answers are due, and close the connection."""
        self._refused = True
        if self.transport.is_closing():
            return
        has_begun = self._in_message and not self._in_head  # so that `cycle` is its own
        if self.cycle is not None and not has_begun and not self.cycle.response_complete:
            self._close_when_answered()
        elif not has_begun or not (self.pipeline or self.cycle.response_started):
            self.transport.write(answer)
            self.transport.close()
        elif self.cycle.response_complete:
            self.transport.close()
        else:
            self.transport.abort()

    def _close_when_answered(self) -> None:
        self._refused = True
        self.cycle.keep_alive = False
