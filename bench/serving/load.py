"""The load generator: a process of its own, so that other work does not delay it."""

import asyncio
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from time import process_time

from bench.processes import process_on
from loadtest.open_loop import loop_for, run
from loadtest.result import Result

__all__ = ["Generator", "Load", "Throughput", "generator"]


@dataclass(frozen=True)
class Throughput:
    """What a closed loop reached.

    Attributes:
        rate: answers per second.
        answers: number of them, good or not.
        failures: requests without a good answer.
        busy: share of one core that the generator used.
        p50_ms: median time of an answer, and `p99_ms`, its 99th percentile.
    """

    rate: float
    answers: int
    failures: int
    busy: float
    p50_ms: float
    p99_ms: float


@dataclass(frozen=True)
class Load:
    """The result of a load.

    Attributes:
        result: latencies and failures of the requests.
        cpu_s: processor time of the generator, in seconds.
    """

    result: Result
    cpu_s: float

    @property
    def busy(self) -> float:
        """Share of one core that the generator used."""
        return self.cpu_s / self.result.seconds


@dataclass(frozen=True)
class Generator:
    """Sends requests to a service from a process of its own, with an API key if there is one."""

    process: ProcessPoolExecutor
    bodies: Sequence[bytes]
    key: str = ""

    @property
    def headers(self) -> dict[str, str]:
        """What its requests have because of the key."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}

    def closed(
        self, url: str, seconds: float, connections: int, bodies: Sequence[bytes] = ()
    ) -> Load:
        """Closed loop: every connection sends its next request as soon as it has an answer."""
        bodies = bodies or self.bodies
        asked = (url, bodies, None, seconds, connections)
        return self.process.submit(_load, *asked, self.headers).result()

    def throughput(self, url: str, seconds: float, connections: int) -> Throughput:
        """Load a route in a closed loop for some seconds."""
        load = self.closed(url, seconds, connections)
        result = load.result
        answers = len(result.times_ms) + result.failures
        times = (result.percentile_ms(50), result.percentile_ms(99))
        return Throughput(result.rate, answers, result.failures, load.busy, *times)

    def open(
        self, url: str, rate: float, seconds: float, connections: int, *, awake: bool = False
    ) -> Load:
        """Open loop: `rate` requests per second, whether or not they are answered.

        To be `awake` all the time, it needs a core of its own, see `loop_for`.
        """
        asked = (url, self.bodies, rate, seconds, connections)
        return self.process.submit(_load, *asked, self.headers, awake=awake).result()


@contextmanager
def generator(bodies: Sequence[bytes], cores: Set[int], niceness: int = 0) -> Iterator[Generator]:
    """Run a generator on these cores until the end of the block."""
    with process_on(cores, niceness) as process:
        yield Generator(process, bodies)


def _load(
    url: str,
    bodies: Sequence[bytes],
    rate: float | None,
    seconds: float,
    connections: int,
    headers: dict[str, str],
    *,
    awake: bool = False,
) -> Load:
    began = process_time()
    requests = run(url, bodies, rate, seconds, connections, headers)
    with asyncio.Runner(loop_factory=partial(loop_for, rate, awake=awake)) as runner:
        result = runner.run(requests)
    return Load(result, process_time() - began)
