"""memcached as a store of profiles: no request waits for it longer than a few milliseconds.

A key always goes to the same server. A server that fails is left out for a second, in which its
keys go to the others; a store that fails five times in a row is left alone for one. Then one more
request tries.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import local

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
# A little less, so that whoever tries again after that time finds its server among the others.
_LEFT_OUT_S = 0.9

# ValueError and LookupError are what pymemcache raises for answers that it cannot read.
_FAILURES = (OSError, MemcacheError, ValueError, LookupError)


def connect(servers: Sequence[str], timeout_s: float) -> HashClient:
    """Return a client of these servers, `host:port` each, for one thread alone."""
    return HashClient(
        list(servers),
        connect_timeout=timeout_s,
        timeout=timeout_s,
        no_delay=True,
        retry_attempts=0,
        dead_timeout=_LEFT_OUT_S,
    )


class Memcached:
    """Profiles by key, for several threads.

    Every thread keeps a client, and so a connection to each server, of its own: what HashClient
    notes of servers that fail is not safe to share, with pooled connections neither.

    Attributes:
        threads: where to read, since a read waits for the network.
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
        self._breaker = CircuitBreaker(_FAILURES_IN_A_ROW, _LEFT_ALONE_S)
        self._own = local()
        self._clients: list[HashClient] = []

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
        for client in self._clients:
            client.close()

    def _client(self) -> HashClient:
        if not hasattr(self._own, "client"):
            self._own.client = connect(self._servers, self._timeout_s)
            self._clients.append(self._own.client)
        client: HashClient = self._own.client
        return client
