"""The open connections of a worker: how many there are, and what they make it keep in memory."""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Protocol

from service.http.protocol.balance import Balance


class Connection(Protocol):
    """A connection that can be cut off."""

    @property
    def awaits_answer(self) -> bool:
        """Whether a whole request of it is being answered."""

    def cut(self) -> None:
        """Close it, though it is not at its end."""


class Connections:
    """Limits for all connections together.

    Beyond a limit the oldest connection is cut off that asks for nothing at the moment, so that
    clients which leave connections idle or requests unfinished take no one else's place.

    Attributes:
        timeout_s: seconds that a request may take to arrive, and an answer to be read.
        observe: called with the reason each time a connection is cut off.
    """

    def __init__(
        self,
        limit: int,
        limit_bytes: int,
        timeout_s: float,
        observe: Callable[[str], None] = lambda _reason: None,
        balance: Balance | None = None,
    ) -> None:
        """Prepares for connections.

        Args:
            limit: of their number.
            limit_bytes: of requests that have not arrived whole, and of answers that are not read.
            timeout_s: see the attribute.
            observe: see the attribute.
            balance: with other workers, if there are any.
        """
        self.timeout_s = timeout_s
        self.observe = observe
        self._balance = balance
        self._limit = limit
        self._limit_bytes = limit_bytes
        # Both in the order of time: the first was used, or began to hold bytes, the longest ago.
        self._open: dict[Connection, None] = {}
        self._held: dict[Connection, int] = {}
        self._held_bytes = 0
        self._waiting: deque[Callable[[], None]] = deque()

    def use(self, connection: Connection) -> None:
        """Take note of a new connection, or that one was used."""
        self._open.pop(connection, None)
        self._open[connection] = None
        if self._balance is not None:
            self._balance.use(connection)
        if len(self._open) > self._limit:
            idle = (each for each in self._open if not each.awaits_answer)
            self._cut(next(idle, connection), "connections")

    def hold(self, connection: Connection, size: int) -> None:
        """Take note of how many bytes are kept for a connection."""
        self._held_bytes += size - self._held.get(connection, 0)
        self._held[connection] = size
        if self._held_bytes > self._limit_bytes:
            self._cut(next(iter(self._held)), "bytes")

    def release(self, connection: Connection) -> None:
        """Take note that nothing is kept for a connection any more."""
        self._held_bytes -= self._held.pop(connection, 0)

    def forget(self, connection: Connection) -> None:
        """Take note that a connection has ended."""
        self._open.pop(connection, None)
        self.release(connection)
        if self._balance is not None:
            self._balance.forget(connection)

    def in_turn(self, go_on: Callable[[], None]) -> None:
        """Have a connection go on with a request that it sent before it had earlier answers.

        One connection does so in each iteration of the event loop: in between, the loop reads and
        answers requests of those that do not ask for more than one thing at a time.
        """
        self._waiting.append(go_on)
        if len(self._waiting) == 1:
            asyncio.get_running_loop().call_soon(self._next)

    def _next(self) -> None:
        go_on = self._waiting.popleft()
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._next)
        go_on()

    def _cut(self, connection: Connection, reason: str) -> None:
        self.forget(connection)
        self.observe(reason)
        connection.cut()
