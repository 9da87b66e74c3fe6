"""The head of a request: as long as proxies let it be, and no longer."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT_BYTES = 16384
"""What the request line and the headers may have together."""

_REFUSAL = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-length: 0\r\nconnection: close\r\n\r\n"
)


class _HeadTooLongError(Exception):
    pass


class LimitedProtocol(HttpToolsProtocol):
    """Uvicorn's protocol, which by itself would collect a head without end."""

    _in_message = False  # a head has begun, and the end of the request was not seen yet
    _in_head = True
    _head_bytes = 0  # received since the head began, and perhaps what follows it in the same read

    def data_received(self, data: bytes) -> None:
        """Read on; refuse a head that is too long by now."""
        if self._in_head:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._in_head and self._head_bytes > HEAD_LIMIT_BYTES:
            self.send_400_response("")

    def on_message_begin(self) -> None:
        """Note that a head has begun, perhaps at the end of a read that the one before it fills."""
        self._in_message = True
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that the head is over; refuse one that was too long and came all at once."""
        if self._head_bytes > HEAD_LIMIT_BYTES:
            sizes = (len(name) + len(value) + 4 for name, value in self.headers)
            if len(self.url) + sum(sizes) > HEAD_LIMIT_BYTES:
                raise _HeadTooLongError
        self._in_head, self._head_bytes = False, 0
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that another head may follow."""
        self._in_message, self._in_head = False, True
        super().on_message_complete()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP, or has too long a head; uvicorn calls it for both."""
        if self._in_head and self._head_bytes > HEAD_LIMIT_BYTES:
            self.transport.write(_REFUSAL)
            self.transport.close()
        elif not self.transport.is_closing():
            super().send_400_response(msg)
