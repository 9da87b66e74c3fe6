"""A service under constant load before, during and after a fault."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import perf_counter, sleep
from typing import TypeVar

import httpx

from bench.serving.load import Generator
from chaos.outcome import Outcome
from loadtest.result import Result

__all__ = ["CONNECTIONS", "Trial", "awaited", "metric"]

CONNECTIONS = 32
_CLOSED, _RUSHING = 16, 64
_USERS = 20
_SLOWER_MS = 10
_PATIENCE_S = 120

T = TypeVar("T")


class Trial:
    """Applies faults to a service, one after another."""

    def __init__(self, url: str, load: Generator, rate: float, seconds: float) -> None:
        """Prepares the load.

        Args:
            url: of the service.
            load: the load generator.
            rate: requests per second.
            seconds: length of the load before, during and after a fault, each.
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
        """Begin a fault and end it, under load.

        Args:
            fault: its name.
            begin: begins it.
            end: ends it.
            at_most_ms: limit of the 99th percentile during it; by default 10 ms above that before.
            rush: requests per second during the fault, if it is an overload.
            expects_degraded: whether some answers must be `degraded`, as proof that the fault
                took effect.
        """
        before = self._steady()
        begin()
        degraded = self._degraded()
        during = self._steady() if rush is None else self._rush(rush)
        degraded = self._degraded() - degraded
        with ThreadPoolExecutor(1) as thread:
            end()
            loading = thread.submit(self._steady)
            recovery_s = self._recovery_s()
            after = loading.result()
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
        """Answers per second in a closed loop."""
        loads = [self._load.closed(self._recommend, self._seconds, _CLOSED) for _ in range(2)]
        return loads[-1].result.rate  # the first load warms up

    def _steady(self) -> Result:
        return self._load.open(self._recommend, self._rate, self._seconds, CONNECTIONS).result

    def _rush(self, rate: float) -> Result:
        return self._load.open(self._recommend, rate, self._seconds, _RUSHING).result

    def _degraded(self) -> float:
        name = "rtt2vec_degraded_total"
        return awaited(lambda: metric(self._url, name), name)

    def _recovery_s(self) -> float:
        """Seconds until the same users are all answered with 200 and not degraded."""
        began, well = perf_counter(), 0
        with httpx.Client(base_url=self._url, headers=self._load.headers) as client:
            for number in count():
                body = self._load.bodies[number % _USERS]
                well = well + 1 if _answered_well(client, body) else 0
                if well == _USERS or perf_counter() - began > _PATIENCE_S:
                    break
        return perf_counter() - began


def awaited(look: Callable[[], T | None], what: str) -> T:
    """Call `look` until it returns something, and return that.

    Raises:
        TimeoutError: it returns None for two minutes.
    """
    began = perf_counter()
    while (found := look()) is None:
        if perf_counter() - began > _PATIENCE_S:
            raise TimeoutError(f"waited {_PATIENCE_S} s for {what}")
        sleep(0.02)  # there is no event to wait for
    return found


def metric(url: str, name: str) -> float | None:
    """The value of a metric; None if the worker that should have answered was killed."""
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
