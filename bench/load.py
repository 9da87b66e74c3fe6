"""The load generator of a bench: a process of its own, so that nothing else takes its time."""

from collections.abc import Iterator, Sequence, Set
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from time import process_time

import uvloop

from bench.processes import apart
from loadtest.open_loop import run
from loadtest.result import Result

__all__ = ["Generator", "Load", "generator"]


@dataclass(frozen=True)
class Load:
    """What came of a load.

    Attributes:
        result: of the requests.
        cpu_s: processor time that the generator took.
    """

    result: Result
    cpu_s: float

    @property
    def busy(self) -> float:
        """The share of its core that the generator took."""
        return self.cpu_s / self.result.seconds


@dataclass(frozen=True)
class Generator:
    """Loads a service with requests, from a process of its own."""

    process: ProcessPoolExecutor
    bodies: Sequence[bytes]

    def closed(
        self, url: str, seconds: float, connections: int, bodies: Sequence[bytes] = ()
    ) -> Load:
        """Every connection asks again as soon as it is answered."""
        asked = (url, bodies or self.bodies, None, seconds, connections)
        return self.process.submit(_load, *asked).result()

    def open(self, url: str, rate: float, seconds: float, connections: int) -> Load:
        """So many requests per second, whether or not they are answered."""
        return self.process.submit(_load, url, self.bodies, rate, seconds, connections).result()


@contextmanager
def generator(bodies: Sequence[bytes], cores: Set[int], niceness: int = 0) -> Iterator[Generator]:
    """A generator on these cores, which ends with the block."""
    with apart(cores, niceness) as process:
        yield Generator(process, bodies)


def _load(
    url: str, bodies: Sequence[bytes], rate: float | None, seconds: float, connections: int
) -> Load:
    began = process_time()
    result = uvloop.run(run(url, bodies, rate, seconds, connections))
    return Load(result, process_time() - began)
