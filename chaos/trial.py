"""A service under a constant load, while something is done to what it depends on."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import perf_counter, sleep
from typing import TypeVar

import httpx

from bench.load import Generator
from chaos.outcome import Outcome
from loadtest.result import Result

__all__ = ["CONNECTIONS", "Trial", "awaited", "metric"]

CONNECTIONS = 32
_CLOSED, _RUSHING = 16, 64
_SHOPPERS = 20
_SLOWER_MS = 10
_PATIENCE_S = 30

T = TypeVar("T")


class Trial:
    """Does faults to a service, one after another."""

    def __init__(self, url: str, load: Generator, rate: float, seconds: float) -> None:
        """Prepares.

        Args:
            url: of the service.
            load: what asks it.
            rate: requests per second.
            seconds: that it is asked before, during and after a fault, each.
        """
        self._url = url
        self._recommend = f"{url}/recommend"
        self._load = load
        self._rate = rate
        self._seconds = seconds

    def outcome(
        self,
        fault: str,
        begin: Callable[[], object],
        end: Callable[[], object],
        at_most_ms: float | None = None,
        rush: float | None = None,
        expects_degraded: bool = False,
    ) -> Outcome:
        """Do a fault, end it, and tell what it did.

        Args:
            fault: its name.
            begin: does it.
            end: ends it.
            at_most_ms: what the 99th percentile may be; by default 10 ms more than before.
            rush: requests per second while it lasts, if they are more than can be answered.
            expects_degraded: whether some answers have to be, or else it was not done at all.
        """
        before = self._ask()
        begin()
        degraded = self._degraded()
        during = self._ask() if rush is None else self._rush(rush)
        degraded = self._degraded() - degraded
        with ThreadPoolExecutor(1) as beside:
            end()
            asking = beside.submit(self._ask)
            recovery_s = self._recovery_s()
            after = asking.result()
        shed_ms = sorted(during.shed_ms)
        failed = sum(phase.failures for phase in (before, during, after))
        return Outcome(
            fault=fault,
            rate=rush or self._rate,
            requests=sum(len(phase.times_ms) + phase.failures for phase in (before, during, after)),
            failed=failed - len(shed_ms) if rush else failed,
            degraded=degraded / len(during.times_ms),
            answered=during.rate,
            shed_ms=shed_ms[int(0.99 * (len(shed_ms) - 1))] if shed_ms else None,
            before_ms=before.percentile_ms(99),
            during_ms=during.percentile_ms(99),
            after_ms=after.percentile_ms(99),
            at_most_ms=at_most_ms or before.percentile_ms(99) + _SLOWER_MS,
            recovery_s=recovery_s,
            kept=degraded > 0 or not expects_degraded,
        )

    def capacity(self) -> float:
        """The most requests per second that are answered, as a closed loop finds it."""
        loads = [self._load.closed(self._recommend, self._seconds, _CLOSED) for _ in range(2)]
        return loads[-1].result.rate  # what it does first compiles and fills caches

    def _ask(self) -> Result:
        asked = (self._recommend, self._rate, self._seconds, CONNECTIONS)
        return self._load.open(*asked).result

    def _rush(self, rate: float) -> Result:
        return self._load.open(self._recommend, rate, self._seconds, _RUSHING).result

    def _degraded(self) -> float:
        name = "rtt2vec_degraded_total"
        return awaited(lambda: metric(self._url, name), name)

    def _recovery_s(self) -> float:
        """Ask for the same shoppers over and over, until all of them are answered as before."""
        began, well = perf_counter(), 0
        with httpx.Client(base_url=self._url) as client:
            for number in count():
                body = self._load.bodies[number % _SHOPPERS]
                well = well + 1 if _answered_well(client, body) else 0
                if well == _SHOPPERS or perf_counter() - began > _PATIENCE_S:
                    break
        return perf_counter() - began


def awaited(look: Callable[[], T | None], what: str) -> T:
    """Return what a look finds, once it is something.

    Raises:
        TimeoutError: it is nothing for half a minute.
    """
    began = perf_counter()
    while (found := look()) is None:
        if perf_counter() - began > _PATIENCE_S:
            raise TimeoutError(f"waited {_PATIENCE_S} s for {what}")
        sleep(0.02)  # nothing tells
    return found


def metric(url: str, name: str) -> float | None:
    """What a service tells of itself; None if the worker that should have answered was killed."""
    try:
        text = httpx.get(f"{url}/metrics").text
    except httpx.TransportError:
        return None
    found = re.search(rf"^{name} (.+)$", text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def _answered_well(client: httpx.Client, body: bytes) -> bool:
    headers = {"Content-Type": "application/json"}
    try:
        answer = client.post("/recommend", content=body, headers=headers)
    except httpx.TransportError:
        return False
    return answer.status_code == httpx.codes.OK and not answer.json()["degraded"]
