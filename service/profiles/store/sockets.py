"""Sockets that nobody waits for longer than agreed, whatever servers and name servers do."""

import socket
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Any

__all__ = ["Names", "Sockets"]

_Addresses = list[tuple[Any, ...]]


class Names:
    """Addresses of hosts, looked up beside those who wait for them.

    What a name server does not tell in time, or no more, is what it told before.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._lookups: dict[tuple[str, int], Future[_Addresses]] = {}
        self._told: dict[tuple[str, int], _Addresses] = {}

    def look_up(self, host: str, port: int, wait_s: float) -> _Addresses:
        """Return a host's addresses, as `socket.getaddrinfo` does.

        Raises:
            OSError: there are none, or none in time, and never were.
            ValueError: this is no name.
        """
        name = host, port
        with self._lock:
            lookup = self._lookups.get(name)
            if lookup is None or lookup.done():
                lookup = self._lookups[name] = Future()
                # A daemon: nothing ends a lookup early, and the process must not wait for it.
                Thread(target=self._ask, args=(name, lookup), daemon=True).start()
        try:
            return lookup.result(wait_s)
        except OSError:  # TimeoutError is one
            if name not in self._told:
                raise
            return self._told[name]

    def _ask(self, name: tuple[str, int], lookup: Future[_Addresses]) -> None:
        try:
            found: _Addresses = list(
                socket.getaddrinfo(*name, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            )
        except (OSError, ValueError) as error:
            lookup.set_exception(error)
        else:
            self._told[name] = found
            lookup.set_result(found)


class Sockets:
    """What one thread's client of memcached takes for the module `socket`.

    The client's own timeouts are for each step: a server that sends a byte now and then could keep
    it for ever. Here no step of connecting or answering begins when the time is over.
    """

    AF_UNIX, AF_UNSPEC = socket.AF_UNIX, socket.AF_UNSPEC
    SOCK_STREAM = socket.SOCK_STREAM
    IPPROTO_TCP, TCP_NODELAY = socket.IPPROTO_TCP, socket.TCP_NODELAY

    def __init__(self, names: Names, timeout_s: float) -> None:
        """Prepares; time runs from `begin` on.

        Args:
            names: where addresses are found.
            timeout_s: how long connecting may go on, and how long an answer.
        """
        self._names = names
        self._timeout_s = timeout_s
        self._end = 0.0

    def begin(self) -> None:
        """Give what follows its time."""
        self._end = monotonic() + self._timeout_s

    def left_s(self) -> float:
        """Return how much time is left.

        Raises:
            TimeoutError: none.
        """
        left_s = self._end - monotonic()
        if left_s <= 0:
            raise TimeoutError("timed out")
        return left_s

    def getaddrinfo(self, host: str, port: int, *_kind: int) -> _Addresses:
        """As in `socket`."""
        return self._names.look_up(host, port, self.left_s())

    def socket(self, *kind: int) -> "_Socket":
        """As in `socket`."""
        return _Socket(self, *kind)


class _Socket(socket.socket):
    def __init__(self, sockets: Sockets, *kind: int) -> None:
        super().__init__(*kind)
        self._sockets = sockets

    def connect(self, address: Any, /) -> None:
        super().connect(address)
        self._sockets.begin()

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        self._sockets.left_s()
        return super().recv(size, flags)
