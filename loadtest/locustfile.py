"""Users for Locust, who fill a basket item by item and ask for recommendations after each.

A user takes a held-out basket, asks with its first item, then with two, and so on to the last, and
goes on with the next basket. It is a closed loop: a user who waits for a slow answer asks less
often, so the tail latency looks better than in a shop (`loadtest.open_loop` measures that).

python -m loadtest                                   headless, with limits
LOADTEST_REQUESTS=FILE locust -f loadtest/locustfile.py        with Locust's own interface
"""

import json
import os
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path

from locust import FastHttpUser, task

REQUESTS = Path(os.environ.get("LOADTEST_REQUESTS", "loadtest/requests.jsonl"))


@cache
def bodies(path: Path) -> Iterator[str]:
    """Return the lines of a file, each a request body, in an endless cycle for all users."""
    return cycle(path.read_text("utf-8").splitlines())


def growing(body: str) -> Iterator[str]:
    """Yield a request with the first item of its basket, with two, and so on up to all of them."""
    request = json.loads(body)
    basket = request.get("basket", [])
    for size in range(min(1, len(basket)), len(basket) + 1):
        yield json.dumps(request | {"basket": basket[:size]})


class BasketUser(FastHttpUser):
    """A user who asks again as soon as the answer is there."""

    connection_timeout = network_timeout = 10.0

    def on_start(self) -> None:
        """Take the first basket."""
        self._steps = (step for body in bodies(REQUESTS) for step in growing(body))

    @task
    def recommend(self) -> None:
        """Post the basket with one more item, or the next basket."""
        headers = {"Content-Type": "application/json"}
        self.client.post("/recommend", data=next(self._steps), headers=headers)
