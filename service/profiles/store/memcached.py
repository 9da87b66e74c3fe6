"""memcached as a store of profiles: no read takes longer than a few milliseconds.

A key always goes to the same server. One that fails again and again is left out for a second, in
which its keys go to the others.
"""

import socket
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident
from types import ModuleType
from typing import Literal, NamedTuple

from pymemcache import HashClient, MemcacheError, MemcacheServerError

from service.profiles.store.circuit import LEFT_ALONE_S, Circuit
from service.profiles.store.errors import ProfileStoreError, ProfileTooLargeError
from service.profiles.store.sockets import Names, Sockets

__all__ = ["FAILURES", "Memcached", "connect", "too_large"]

# Each thread waits for one answer at a time.
_THREADS = 8

# ValueError and LookupError are what pymemcache raises for answers that it cannot read.
FAILURES = (OSError, MemcacheError, ValueError, LookupError)


def connect(
    servers: str, timeout_s: float, socket_module: Sockets | ModuleType = socket
) -> HashClient:
    """Return a client of these servers, for one thread alone; nothing is connected yet.

    Args:
        servers: `host:port`, several between commas.
        timeout_s: how long a connection, and how long a step of an answer, may take.
        socket_module: where its sockets come from.
    """
    return HashClient(
        servers.split(","),
        connect_timeout=timeout_s,
        timeout=timeout_s,
        no_delay=True,
        socket_module=socket_module,
        retry_attempts=1,  # one failure is forgiven, at once
        retry_timeout=0,
        dead_timeout=LEFT_ALONE_S,
    )


def too_large(error: Exception) -> bool:
    """Tell whether it is a server's word that a value is beyond its limit, 1 MB by default."""
    return isinstance(error, MemcacheServerError) and "too large" in str(error)


class Memcached:
    """Values by key, for several threads.

    Every thread keeps a client, and so a connection to each server, of its own: what HashClient
    notes of servers that fail is not safe to share, with pooled connections neither.

    Attributes:
        threads: where to read, since a read waits for the network.
        patience_s: how long a connection and an answer may take together.
        circuit: when to read at all.
    """

    def __init__(self, servers: str, timeout_ms: int) -> None:
        """Prepares; nothing is connected before the first read.

        Args:
            servers: `host:port`, several between commas.
            timeout_ms: how long a connection, and how long an answer, may take.
        """
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="profiles")
        self.circuit = Circuit()
        self._servers = servers
        self._timeout_s = timeout_ms / 1000
        self.patience_s = 2 * self._timeout_s
        self._names = Names()
        self._clients: dict[int, _Client] = {}  # by thread

    def read(self, key: str) -> bytes | None:
        """Return the value under `key`, in one round trip; None if there is none.

        Raises:
            ProfileStoreError: the store failed.
        """
        try:
            value: bytes | None = self._client().get(key)
        except FAILURES as error:
            raise ProfileStoreError(f"{type(error).__name__}: {error}") from error
        return value

    def restore(self, key: str, value: bytes) -> None:
        """Store a value that was missing, unless somebody else did.

        Raises:
            ProfileStoreError: the store failed, or has no room.
            ProfileTooLargeError: it never has, for such a value.
        """
        self._write("add", key, value)

    def replace(self, key: str, value: bytes) -> None:
        """Store a value in the place of a damaged one.

        Raises:
            ProfileStoreError: the store failed, or has no room.
            ProfileTooLargeError: it never has, for such a value.
        """
        self._write("set", key, value)

    def close(self) -> None:
        """Close all connections; waits for reads that have begun, which end within their time."""
        self.threads.shutdown(cancel_futures=True)
        for each in self._clients.values():
            each.client.close()

    def _write(self, command: Literal["add", "set"], key: str, value: bytes) -> None:
        try:
            getattr(self._client(), command)(key, value, noreply=False)
        except FAILURES as error:
            kind = ProfileTooLargeError if too_large(error) else ProfileStoreError
            raise kind(f"{type(error).__name__}: {error}") from error

    def _client(self) -> HashClient:
        """This thread's; a new one after the store was left alone: connections may be dead."""
        thread, times_opened = get_ident(), self.circuit.times_opened
        own = self._clients.get(thread)
        if own is None or own.times_opened != times_opened:
            if own is not None:
                own.client.close()
            sockets = Sockets(self._names, self._timeout_s)
            client = connect(self._servers, self._timeout_s, sockets)
            own = self._clients[thread] = _Client(client, sockets, times_opened)
        own.sockets.begin()
        return own.client


class _Client(NamedTuple):
    client: HashClient
    sockets: Sockets
    times_opened: int  # how often the circuit had been when it was made
