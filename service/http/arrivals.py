"""What has arrived since the event loop's last iteration, and is not counted anywhere yet."""

import asyncio
from collections import Counter


class Arrivals:
    """Counts arrivals by name; forgets them in the loop's next iteration, when they are handled."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()

    def add(self, name: str = "") -> int:
        """Count an arrival, and return how many have this name."""
        if not self._counts:
            asyncio.get_running_loop().call_soon(self._counts.clear)
        self._counts[name] += 1
        return self._counts[name]

    def count(self, name: str = "") -> int:
        """Return how many have this name."""
        return self._counts[name]
