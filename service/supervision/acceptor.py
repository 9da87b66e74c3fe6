"""Accepts the connections of a worker, in turn with the others."""

import asyncio
import logging
from collections.abc import Callable
from functools import partial
from socket import socket

from service.http.protocol.balance import PERIOD_S, Balance

_logger = logging.getLogger(__name__)

_PATIENCE_S = 0.005  # for a worker with fewer connections, which may hang
_LOOK_S = 0.0005  # between two looks at whether it has accepted
_AT_ONCE = 16  # connections, before anything else is done


class Acceptor:
    """Accepts from a socket that all workers share, while it is this worker's turn."""

    def __init__(
        self, listener: socket, balance: Balance, protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        """Begins to accept; connections get a protocol each."""
        listener.setblocking(False)
        self._listener = listener
        self._balance = balance
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._waits_until: float | None = None
        self._accepted: set[asyncio.Task[object]] = set()  # that have no protocol yet
        balance.begin()
        self._timer = self._loop.call_later(PERIOD_S, self._turn)
        self._retry: asyncio.TimerHandle | None = None
        self._begin()

    async def close(self) -> None:
        """Accept no more."""
        self._loop.remove_reader(self._listener)
        self._timer.cancel()
        if self._retry is not None:
            self._retry.cancel()
        self._balance.end()
        await asyncio.gather(*self._accepted, return_exceptions=True)

    def _begin(self) -> None:
        self._loop.add_reader(self._listener, self._accept)

    def _accept(self) -> None:
        """Accept what waits, or leave it to others for a moment."""
        for _ in range(_AT_ONCE):
            is_next = self._balance.is_next
            if not is_next and not self._is_out_of_patience():
                self._pause(_LOOK_S)
                return
            try:
                connection, _ = self._listener.accept()
            except (BlockingIOError, ConnectionError):  # others were faster, or the client left
                return
            except OSError as error:  # no file or no memory left
                _logger.error("a connection cannot be accepted: %s", error)
                self._pause(PERIOD_S)
                return
            if not is_next:
                self._balance.wait_no_more()
            self._waits_until = None
            self._open(connection)

    def _pause(self, seconds: float) -> None:
        self._loop.remove_reader(self._listener)
        self._retry = self._loop.call_later(seconds, self._begin)

    def _is_out_of_patience(self) -> bool:
        """Return whether others have been given enough time for the connection that waits."""
        now = self._loop.time()
        # After a longer pause it is another connection: this one would have been told all along.
        if self._waits_until is None or now > self._waits_until + _PATIENCE_S:
            self._waits_until = now + _PATIENCE_S
        return now > self._waits_until

    def _open(self, connection: socket) -> None:
        connection.setblocking(False)
        protocol = self._protocol()
        self._balance.use(protocol)  # at once: the next one may be another worker's
        opening = self._loop.connect_accepted_socket(lambda: protocol, connection)
        task = self._loop.create_task(opening)
        self._accepted.add(task)
        task.add_done_callback(partial(self._opened, protocol))

    def _opened(self, protocol: asyncio.Protocol, task: "asyncio.Task[object]") -> None:
        self._accepted.discard(task)
        if task.cancelled() or task.exception() is not None:  # the client has left
            self._balance.forget(protocol)

    def _turn(self) -> None:
        self._balance.turn()
        self._timer = self._loop.call_later(PERIOD_S, self._turn)
