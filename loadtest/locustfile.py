"""Shoppers for Locust: they post held-out baskets, one after another, without a pause.

python -m loadtest                                   headless, with limits
LOADTEST_REQUESTS=FILE locust -f loadtest/locustfile.py        with Locust's own interface
"""

import os
from collections.abc import Iterator
from functools import cache
from itertools import cycle
from pathlib import Path

from locust import FastHttpUser, task

REQUESTS = Path(os.environ.get("LOADTEST_REQUESTS", "loadtest/requests.jsonl"))


@cache
def bodies(path: Path) -> Iterator[str]:
    """Return the lines of a file, each a request body, over and over, to all shoppers in turn."""
    return cycle(path.read_text("utf-8").splitlines())


class Shopper(FastHttpUser):
    """Asks again as soon as it is answered: a closed loop, in which a slow answer slows it down."""

    connection_timeout = network_timeout = 10.0

    @task
    def recommend(self) -> None:
        """Post the next basket."""
        headers = {"Content-Type": "application/json"}
        self.client.post("/recommend", data=next(bodies(REQUESTS)), headers=headers)
