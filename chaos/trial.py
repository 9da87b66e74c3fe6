"""A service under a constant load, while something is done to what it depends on."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from time import perf_counter

import httpx

from bench.load import Generator
from chaos.outcome import Outcome

__all__ = ["Trial"]

_CONNECTIONS = 32
_SHOPPERS = 20
_DEGRADED = re.compile(r"^rtt2vec_degraded_total (.+)$", re.MULTILINE)


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
        self._load = load
        self._asked = (f"{url}/recommend", rate, seconds, _CONNECTIONS)
        self._rate = rate

    def outcome(
        self, fault: str, begin: Callable[[], object], end: Callable[[], object]
    ) -> Outcome:
        """Do a fault, end it, and tell what it did."""
        before = self._load.open(*self._asked).result
        begin()
        degraded = self._degraded()
        during = self._load.open(*self._asked).result
        degraded = self._degraded() - degraded
        with ThreadPoolExecutor(1) as beside:
            end()
            loaded = beside.submit(self._load.open, *self._asked)
            recovery_s = self._recovery_s()
            after = loaded.result().result
        phases = (before, during, after)
        return Outcome(
            fault=fault,
            rate=self._rate,
            requests=sum(len(phase.times_ms) + phase.failures for phase in phases),
            failed=sum(phase.failures for phase in phases),
            degraded=degraded / len(during.times_ms),
            before_ms=before.percentile_ms(99),
            during_ms=during.percentile_ms(99),
            after_ms=after.percentile_ms(99),
            recovery_s=recovery_s,
        )

    def _degraded(self) -> float:
        found = _DEGRADED.search(httpx.get(f"{self._url}/metrics").text)
        return float(found[1]) if found else 0.0

    def _recovery_s(self) -> float:
        """Ask for the same shoppers over and over, until none of them is answered degraded."""
        began, well = perf_counter(), 0
        with httpx.Client(base_url=self._url) as client:
            for number in count():
                body = self._load.bodies[number % _SHOPPERS]
                headers = {"Content-Type": "application/json"}
                answer = client.post("/recommend", content=body, headers=headers).json()
                well = 0 if answer["degraded"] else well + 1
                if well == _SHOPPERS:
                    break
        return perf_counter() - began
