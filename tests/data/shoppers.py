"""Shoppers who ask a service without a pause, and what they were told."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from queue import SimpleQueue
from threading import Event, Thread

import httpx


@dataclass
class Shoppers:
    """The answers to a load, as they come in.

    Attributes:
        url: of the service.
        requests: how many were sent.
        failures: how many were not answered with 200.
    """

    url: str
    requests: int = 0
    failures: int = 0
    _degraded: SimpleQueue[bool] = field(default_factory=SimpleQueue)
    _enough: Event = field(default_factory=Event)

    def until(self, degraded: bool, in_a_row: int = 20) -> None:
        """Return once so many answers in a row are degraded, or are not."""
        row = 0
        while row < in_a_row:
            row = row + 1 if self._degraded.get(timeout=30) == degraded else 0

    def forget(self) -> None:
        """Drop the answers so far, so that `until` looks only at later ones."""
        while not self._degraded.empty():
            self._degraded.get()

    def ask(self) -> None:
        """Ask, for one user after another, until it is enough."""
        with httpx.Client(base_url=self.url) as client:
            while not self._enough.is_set():
                user_id = f"user-{self.requests % 6}"
                answer = client.post("/recommend", json={"user_id": user_id, "basket": ["item-2"]})
                self.requests += 1
                self.failures += answer.status_code != 200
                self._degraded.put(answer.json()["degraded"])

    def stop(self) -> None:
        """Have it end."""
        self._enough.set()


@contextmanager
def shopping(url: str) -> Iterator[Shoppers]:
    """Load a service until the end of the block."""
    shoppers = Shoppers(url)
    thread = Thread(target=shoppers.ask)
    thread.start()
    try:
        yield shoppers
    finally:
        shoppers.stop()
        thread.join()
