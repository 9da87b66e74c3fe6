"""The head of a request: longer ones than proxies accept are refused."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 16384
"""Limit of the request line and the headers together."""

_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, which has no limit of its own, with `HEAD_LIMIT_BYTES`."""

    _in_message = False  # between the beginning of a head and the end of its request
    _in_head = True
    _head_bytes = 0  # received since the head began; may include what follows it in the same read

    def data_received(self, data: bytes) -> None:
        """Parse `data`; refuse the head if it is too long by now."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT_BYTES:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Note that a head has begun, which may be at the end of a read."""
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note the end of the head; refuse one that came in a single read and is too long."""
        if self._head_bytes > HEAD_LIMIT_BYTES:
            sizes = (len(name) + len(value) + 4 for name, value in self.headers)
            if len(self.url) + sum(sizes) > HEAD_LIMIT_BYTES:
                raise ValueError("the head is too long")  # the parser gives up; uvicorn refuses
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that another head may follow."""
        self._in_message, self._in_head = False, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse invalid HTTP or a head that is too long; uvicorn calls this for both."""
        if self._in_head and self._head_bytes > HEAD_LIMIT_BYTES:
            self.transport.write(_REFUSAL)
            self.transport.close()
        elif not self.transport.is_closing():
            super().send_400_response(msg)
