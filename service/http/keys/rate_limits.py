"""Rate limits: how many requests each API key may send."""

from collections.abc import Iterable
from math import ceil

from service.http.arrivals import Arrivals
from service.http.keys.api_keys import ApiKey
from service.http.problems import ProblemError
from service.support.extras import need


class RateLimits:
    """Counts the requests of each key against its limit, within this process (GCRA).

    After a pause, a key may send the requests of one second at once.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        """Prepares a limiter for each key with a limit.

        Raises:
            ExtraMissingError: a key has a limit, and the library is not installed.
        """
        self._limits = {}
        self._arrived = Arrivals()  # by the names of keys
        limited = {key.name: key.limit_per_s for key in keys if key.limit_per_s is not None}
        if not limited:
            return
        need("limits", "limit_per_s of an API key")
        from throttled import RateLimiterType, Throttled, per_sec
        from throttled.store import MemoryStore

        gcra = RateLimiterType.GCRA.value
        store = MemoryStore(options={"MAX_SIZE": len(limited)})  # else it forgets some of them
        self._limits = {
            name: Throttled(name, using=gcra, quota=per_sec(limit, burst=limit), store=store)
            for name, limit in limited.items()
        }

    def has_left(self, key: ApiKey) -> bool:
        """Return whether a key may send one more request, which is counted later.

        Requests for which this is true are taken into account until the event loop's next
        iteration, in which they are counted.
        """
        limit = self._limits.get(key.name)
        if limit is None:
            return True
        return limit.peek(key.name).remaining >= self._arrived.add(key.name)

    def count(self, key: ApiKey, requests: int = 1) -> None:
        """Count some requests, all or none.

        Raises:
            ProblemError: 429, the key has sent too many.
        """
        limit = self._limits.get(key.name)
        if limit is None:
            return
        result = limit.limit(cost=requests)
        if result.limited:
            wait_s = max(1, ceil(result.state.retry_after))
            detail = f"The key {key.name} may send {key.limit_per_s} requests a second."
            raise ProblemError(429, detail, headers={"Retry-After": str(wait_s)})
