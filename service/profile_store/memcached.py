"""memcached as a store of profiles: no request waits for it longer than a few milliseconds.

A key always goes to the same server. One that fails again and again is left out for a second, in
which its keys go to the others. A store that fails five times in a row is left alone for a second;
then a request tries again, on new connections.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import get_ident

from circuitbreaker import CircuitBreaker
from pymemcache import HashClient, MemcacheError

from service.profile_store import ProfileStoreError, ProfileStoreOpenError
from service.profile_store.codec import decode, encode
from service.profiles import Profile

__all__ = ["Memcached", "connect"]

# Each thread waits for one answer at a time.
_THREADS = 8
_FAILURES_IN_A_ROW = 5
_LEFT_ALONE_S = 1

# ValueError and LookupError are what pymemcache raises for answers that it cannot read.
_FAILURES = (OSError, MemcacheError, ValueError, LookupError)


def connect(servers: Sequence[str], timeout_s: float) -> HashClient:
    """Return a client of these servers, `host:port` each, for one thread alone."""
    return HashClient(
        list(servers),
        connect_timeout=timeout_s,
        timeout=timeout_s,
        no_delay=True,
        retry_attempts=1,  # one failure is forgiven, at once
        retry_timeout=0,
        dead_timeout=_LEFT_ALONE_S,
    )


class Memcached:
    """Profiles by key, for several threads.

    Every thread keeps a client, and so a connection to each server, of its own: what HashClient
    notes of servers that fail is not safe to share, with pooled connections neither.

    Attributes:
        threads: where to read, since a read waits for the network.
        patience_s: how long a connection and an answer may take together.
    """

    def __init__(self, servers: str, timeout_ms: int) -> None:
        """Prepares; nothing is connected before the first read.

        Args:
            servers: `host:port`, several between commas.
            timeout_ms: how long a connection, and how long an answer, may take.
        """
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="profiles")
        self._servers = servers.split(",")
        self._timeout_s = timeout_ms / 1000
        self.patience_s = 2 * self._timeout_s
        self._breaker = CircuitBreaker(_FAILURES_IN_A_ROW, _LEFT_ALONE_S)
        self._clients: dict[int, tuple[int, HashClient]] = {}  # by thread
        self._times_open = 0

    def read(self, key: str) -> Profile | None:
        """Return the profile under `key`, in one round trip; None if there is none.

        Raises:
            ProfileStoreError: the store failed, or was not asked since it fails.
        """
        if self._breaker.opened:
            raise ProfileStoreOpenError("not asked, it failed too often")
        try:
            with self._breaker:
                value = self._client().get(key)
                return None if value is None else decode(value, key)
        except _FAILURES as error:
            if self._breaker.opened:
                self._times_open += 1
            raise ProfileStoreError(f"{type(error).__name__}: {error}") from error

    def restore(self, key: str, profile: Profile) -> None:
        """Store a profile that was missing, unless somebody else did; waits for no answer.

        Raises:
            ProfileStoreError: the store failed.
        """
        try:
            self._client().add(key, encode(profile, key), noreply=True)
        except _FAILURES as error:
            raise ProfileStoreError(f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        """Wait for the reads that have begun, and close all connections."""
        self.threads.shutdown()
        for _, client in self._clients.values():
            client.close()

    def _client(self) -> HashClient:
        """This thread's; a new one after the store was left alone: connections may be dead."""
        thread = get_ident()
        if thread in self._clients:
            since, client = self._clients[thread]
            if since == self._times_open:
                return client
            client.close()
        client = connect(self._servers, self._timeout_s)
        self._clients[thread] = self._times_open, client
        return client
