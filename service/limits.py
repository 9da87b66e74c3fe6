"""Rate limits: how often each API key may ask."""

from collections.abc import Iterable
from math import ceil
from time import time

from service.api_keys import ApiKey
from service.problems import ProblemError


class RateLimits:
    """Counts the requests of keys, each against its own limit, within this process."""

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        limited = {key.name: key.limit_per_s for key in keys if key.limit_per_s is not None}
        if not limited:
            self._limits = {}
            return
        # Only who sets a limit needs the library.
        from limits import RateLimitItemPerSecond
        from limits.storage import MemoryStorage
        from limits.strategies import FixedWindowRateLimiter

        self._limits = {name: RateLimitItemPerSecond(limit) for name, limit in limited.items()}
        self._windows = FixedWindowRateLimiter(MemoryStorage())

    def count(self, key: ApiKey) -> None:
        """Count a request.

        Raises:
            ProblemError: 429, the key has none left in this second.
        """
        limit = self._limits.get(key.name)
        if limit is None or self._windows.hit(limit, key.name):
            return
        wait_s = self._windows.get_window_stats(limit, key.name).reset_time - time()
        detail = f"The key {key.name} may send {key.limit_per_s} requests a second."
        raise ProblemError(429, detail, headers={"Retry-After": str(max(1, ceil(wait_s)))})
