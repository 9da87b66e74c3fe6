"""memcached as a store of profiles, with reads that end after a few milliseconds.

A key always goes to the same server. A server that fails repeatedly is left out for a second, while
the others get its keys.
"""

import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from hashlib import blake2b
from threading import get_ident
from types import ModuleType
from typing import Literal, NamedTuple

from pymemcache import Client, HashClient, MemcacheError, MemcacheServerError
from pymemcache.client.rendezvous import RendezvousHash

from service.profiles.store.circuit import LEFT_ALONE_S, Circuit, unobserved
from service.profiles.store.errors import ProfileStoreError, ProfileTooLargeError
from service.profiles.store.sockets import Names, Sockets

# A thread waits for one answer at a time.
_THREADS = 8

_DELETING_S = 2.0  # for each step of deleting values everywhere

# pymemcache raises ValueError and LookupError for answers that it cannot parse.
FAILURES = (OSError, MemcacheError, ValueError, LookupError)


def connect(
    servers: str, timeout_s: float, socket_module: Sockets | ModuleType = socket
) -> HashClient:
    """Return a client of these servers, for one thread; it connects at its first read.

    Args:
        servers: `host:port`, several between commas.
        timeout_s: of a connection, and of each step of an answer.
        socket_module: makes its sockets.
    """
    return HashClient(
        servers.split(","),
        connect_timeout=timeout_s,
        timeout=timeout_s,
        no_delay=True,
        socket_module=socket_module,
        hasher=partial(RendezvousHash, hash_function=_hash),
        retry_attempts=1,  # one retry, without delay
        retry_timeout=0,
        dead_timeout=LEFT_ALONE_S,
    )


def _hash(text: str, _seed: int) -> int:
    """A hash in C, by which the server of a key is chosen; the library's own takes 20 µs."""
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest())


def too_large(error: Exception) -> bool:
    """Tell whether a server refused a value beyond its limit, which is 1 MB by default."""
    return isinstance(error, MemcacheServerError) and "too large" in str(error)


def delete_everywhere(servers: str, keys: Sequence[str]) -> None:
    """Delete values from every server, since each may have taken the place of another for a while.

    Raises:
        ProfileStoreError: a server failed.
    """
    for address in servers.split(","):
        try:
            with closing(
                Client(address, connect_timeout=_DELETING_S, timeout=_DELETING_S, no_delay=True)
            ) as client:
                client.delete_many(keys, noreply=False)
        except FAILURES as error:
            raise ProfileStoreError(f"{address}: {_described(error)}") from error


class Memcached:
    """Values by key, for several threads.

    Every thread has its own client, and so its own connection to each server: HashClient's notes of
    failing servers are not safe to share, even with pooled connections.

    Attributes:
        threads: the threads for reads, which wait for the network.
        patience_s: the longest that a connection and an answer may take together.
        circuit: decides whether to read.
    """

    def __init__(
        self, servers: str, timeout_ms: int, observe: Callable[[bool], None] = unobserved
    ) -> None:
        """Connects to nothing yet.

        Args:
            servers: `host:port`, several between commas.
            timeout_ms: of a connection, and of an answer.
            observe: called with whether the circuit is open, at once and when that changes.
        """
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="profiles")
        self.circuit = Circuit(observe=observe)
        self._servers = servers
        self._timeout_s = timeout_ms / 1000
        self.patience_s = 2 * self._timeout_s
        self._names = Names()
        self._clients: dict[int, _Client] = {}  # by thread

    def read(self, key: str) -> bytes | None:
        """Return the value of `key`, in one round trip; None if there is none.

        Raises:
            ProfileStoreError: the store failed.
        """
        try:
            value: bytes | None = self._client().get(key)
        except FAILURES as error:
            raise ProfileStoreError(_described(error)) from error
        return value

    def restore(self, key: str, value: bytes) -> None:
        """Store a value that was missing, unless it is there by now.

        Raises:
            ProfileStoreError: the store failed or is full.
            ProfileTooLargeError: the value is larger than the store allows.
        """
        self._write("add", key, value)

    def replace(self, key: str, value: bytes) -> None:
        """Store a value in place of a damaged one.

        Raises:
            ProfileStoreError: the store failed or is full.
            ProfileTooLargeError: the value is larger than the store allows.
        """
        self._write("set", key, value)

    def delete(self, key: str) -> None:
        """Delete a value, if there is one.

        Raises:
            ProfileStoreError: the store failed.
        """
        try:
            self._client().delete(key, noreply=False)
        except FAILURES as error:
            raise ProfileStoreError(_described(error)) from error

    def close(self) -> None:
        """Close all connections, after the reads that have begun."""
        self.threads.shutdown(cancel_futures=True)
        for each in self._clients.values():
            each.client.close()

    def _write(self, command: Literal["add", "set"], key: str, value: bytes) -> None:
        try:
            getattr(self._client(), command)(key, value, noreply=False)
        except FAILURES as error:
            kind = ProfileTooLargeError if too_large(error) else ProfileStoreError
            raise kind(_described(error)) from error

    def _client(self) -> HashClient:
        """This thread's client; a new one after the circuit opened, as connections may be dead."""
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


def _described(error: Exception) -> str:
    """Return what is logged: not the text of a server's answer, which may repeat a user's key."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, OSError) else name


class _Client(NamedTuple):
    client: HashClient
    sockets: Sockets
    times_opened: int  # of the circuit, when the client was made
