"""Rate limits: how often each API key may ask."""

from collections.abc import Iterable
from math import ceil

from service.http.api_keys import ApiKey
from service.http.problems import ProblemError
from service.support.extras import need


class RateLimits:
    """Counts the requests of keys, each against its own limit, within this process.

    A key that rested may send its second's worth at once; then they come back one by one.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        """Prepares.

        Raises:
            ExtraMissingError: a key has a limit, and the library is not installed.
        """
        limited = {key.name: key.limit_per_s for key in keys if key.limit_per_s is not None}
        if not limited:
            self._limits = {}
            return
        need("limits", "limit_per_s of an API key")
        from throttled import RateLimiterType, Throttled, per_sec
        from throttled.store import MemoryStore

        gcra, store = RateLimiterType.GCRA.value, MemoryStore()
        self._limits = {
            name: Throttled(name, using=gcra, quota=per_sec(limit, burst=limit), store=store)
            for name, limit in limited.items()
        }

    def count(self, key: ApiKey) -> None:
        """Count a request.

        Raises:
            ProblemError: 429, the key has none left for now.
        """
        limit = self._limits.get(key.name)
        if limit is None:
            return
        result = limit.limit()
        if result.limited:
            wait_s = max(1, ceil(result.state.retry_after))
            detail = f"The key {key.name} may send {key.limit_per_s} requests a second."
            raise ProblemError(429, detail, headers={"Retry-After": str(wait_s)})
