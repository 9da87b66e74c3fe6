"""Sockets with a limit on the whole time, whatever servers and name servers do."""

import socket
from concurrent.futures import Future
from threading import Lock, Thread
from time import monotonic
from typing import Any

_ANSWER_LIMIT_BYTES = 32 << 20

_Addresses = list[tuple[Any, ...]]


class Names:
    """Addresses of hosts, looked up in threads of their own.

    If a lookup fails or takes too long, the addresses of the last successful one are used.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._lookups: dict[tuple[str, int], Future[_Addresses]] = {}
        self._found: dict[tuple[str, int], _Addresses] = {}

    def look_up(self, host: str, port: int, wait_s: float) -> _Addresses:
        """Return a host's addresses, as `socket.getaddrinfo` does.

        Raises:
            OSError: there are none, or none in time, and none from before.
            ValueError: the name is not valid.
        """
        name = host, port
        with self._lock:
            lookup = self._lookups.get(name)
            if lookup is None or lookup.done():
                lookup = self._lookups[name] = Future()
                # A daemon thread: a lookup cannot be ended, and the process must not wait for it.
                Thread(target=self._ask, args=(name, lookup), daemon=True).start()
        try:
            return lookup.result(wait_s)
        except OSError:  # TimeoutError is one
            if name not in self._found:
                raise
            return self._found[name]

    def _ask(self, name: tuple[str, int], lookup: Future[_Addresses]) -> None:
        try:
            found: _Addresses = list(
                socket.getaddrinfo(*name, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP)
            )
        except (OSError, ValueError) as error:
            lookup.set_exception(error)
        else:
            self._found[name] = found
            lookup.set_result(found)


class Sockets:
    """Stands in for the module `socket` in one thread's client of memcached.

    The client's own timeouts are for each step, so that a server which sends a byte now and then
    could hold it for ever. Here no step of connecting or answering begins after the time is up, and
    an answer of more than 32 MiB is not read to its end.
    """

    AF_UNIX, AF_UNSPEC = socket.AF_UNIX, socket.AF_UNSPEC
    SOCK_STREAM = socket.SOCK_STREAM
    IPPROTO_TCP, TCP_NODELAY = socket.IPPROTO_TCP, socket.TCP_NODELAY

    def __init__(self, names: Names, timeout_s: float) -> None:
        """Time runs from `begin` on.

        Args:
            names: looks addresses up.
            timeout_s: of connecting, and of an answer.
        """
        self._names = names
        self._timeout_s = timeout_s
        self._end = 0.0
        self._received_bytes = 0

    def begin(self) -> None:
        """Start the time of what follows."""
        self._end = monotonic() + self._timeout_s
        self._received_bytes = 0

    def received(self, size: int) -> None:
        """Count bytes of an answer.

        Raises:
            OSError: they are too many.
        """
        self._received_bytes += size
        if self._received_bytes > _ANSWER_LIMIT_BYTES:
            raise OSError(f"an answer of more than {_ANSWER_LIMIT_BYTES} bytes")

    def left_s(self) -> float:
        """Return the time that is left.

        Raises:
            TimeoutError: there is none.
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
        data = super().recv(size, flags)
        self._sockets.received(len(data))
        return data
