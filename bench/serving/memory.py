"""Memory of workers, and the time until one is ready.

A single worker shares its mapped files with no process, so private memory is measured with two.
Workers are forked from one process, so that they share what they do not write to, files or not. The
memory that one more worker adds is the growth of the sum over all processes, with every page
divided by the number of processes that map it: it is what the machine loses. The second worker
comes with processes that watch and fork, so the third one is measured. Memory is taken after
thousands of requests, since counting references writes to pages that were shared until then.

What is not in the image is hidden from the service: Numba would load it (see
`bench.serving.running`).
"""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

import httpx

from bench.figures import Figure
from bench.processes import CORES, Memory, family
from bench.serving.load import Generator, generator
from bench.serving.running import NOT_IN_THE_IMAGE, SERVE, Running, running

__all__ = ["Held", "run"]

CONNECTIONS = 8


@dataclass(frozen=True)
class Held:
    """The memory of a service.

    Attributes:
        workers: of each process that answers.
        others: of the processes that watch and fork them, if there are several.
    """

    workers: list[Memory]
    others: list[Memory]

    @classmethod
    def by(cls, service: Running) -> "Held":
        """The memory of a service now."""
        workers = service.workers
        others = [pid for pid in family(service.pid) if pid not in workers]
        return cls([Memory.of(pid) for pid in workers], [Memory.of(pid) for pid in others])

    @property
    def in_all(self) -> float:
        """MB of a million bytes that the machine would have without the service."""
        return sum(each.proportional for each in (*self.workers, *self.others))


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """Measure one, two and three workers after some seconds of load."""
    seconds, starts = (0.2, 1) if smoke else (5.0, 3)
    bodies = requests.read_bytes().splitlines()
    ready_s, failures = [], 0
    held: dict[int, Held] = {}
    with generator(bodies, {CORES[-1]}) as load:
        for workers in (*[1] * starts, 2, 3):
            cores = set(CORES[:workers])
            with running(SERVE, bundle, cores, workers, without=NOT_IN_THE_IMAGE) as service:
                failures += _failures(load, service, seconds)
                held[workers] = Held.by(service)
                if workers == 1:
                    ready_s.append(service.ready_s)
                if workers == 2:
                    again_s = [_replaced_s(service) for _ in range(starts)]
    under: dict[str, str | float] = {"workers": 1, "starts": starts}
    return [
        Figure("a worker is ready after", median(ready_s), "s", at_most=2, under=under),
        Figure(
            "one in the place of a killed one is ready after",
            median(again_s),
            "s",
            at_most=2.5,
            under=under | {"workers": 2},
        ),
        *_memory(held, seconds),
        Figure("failures while memory was taken", failures, at_most=0),
    ]


def _failures(load: Generator, service: Running, seconds: float) -> int:
    return load.closed(f"{service.url}/recommend", seconds, CONNECTIONS).result.failures


def _replaced_s(service: Running) -> float:
    """Kill a worker, and return the seconds until all are ready again."""
    before = service.workers
    os.kill(before[-1], signal.SIGKILL)
    began = perf_counter()
    while set(service.workers) <= set(before) or len(service.workers) < len(before):
        sleep(0.001)
    while f"rtt2vec_workers_ready {len(before)}.0" not in _metrics(service.url):
        sleep(0.01)
    return perf_counter() - began


def _metrics(url: str) -> list[str]:
    return httpx.get(f"{url}/metrics").text.splitlines()


def _memory(held: dict[int, Held], seconds: float) -> Iterator[Figure]:
    """Figures by number of workers."""
    two = held[2]
    under: dict[str, str | float] = {"workers": 2, "seconds of load": seconds}
    private = max(each.private for each in two.workers)
    yield Figure("private memory of a worker", private, "MB", at_most=70, under=under)
    added = two.in_all - held[1].in_all
    yield Figure("a second worker and the watching processes add", added, "MB", under=under)
    private = sum(each.private for each in two.others)
    yield Figure("private memory of the watching processes", private, "MB", under=under)
    added = held[3].in_all - two.in_all
    under = under | {"workers": 3}
    yield Figure("one more worker adds", added, "MB", at_most=65, under=under)
    for count, all_ in held.items():
        under = under | {"workers": count}
        yield Figure(f"memory in all, workers: {count}", all_.in_all, "MB", under=under)
