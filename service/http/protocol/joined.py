"""Writes of an answer, joined: its head goes out together with its body."""

import asyncio


class JoinedWrites(asyncio.Transport):
    """A connection as the answer to a request sees it.

    Uvicorn writes head and body one after the other, and each write of a socket is a call of the
    system that wakes the client. Here what is written waits for what follows it, at most until the
    event loop's next iteration.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__()
        self._transport = transport
        self._loop = loop
        self._waiting = b""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep a part for a moment, or write it after the one that was kept."""
        if self._waiting:
            self._waiting += data
            self.flush()
        else:
            self._waiting = bytes(data)
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        """Write what waits, unless the client has gone meanwhile (uvloop would raise)."""
        data, self._waiting = self._waiting, b""
        if data and not self._transport.is_closing():
            self._transport.write(data)

    def close(self) -> None:
        """Close the connection once everything is written."""
        self.flush()
        self._transport.close()

    def is_closing(self) -> bool:
        """Return whether the connection is closed or about to be."""
        return self._transport.is_closing()
