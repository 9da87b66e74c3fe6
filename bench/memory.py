"""Memory of workers, and the time until one is ready.

A single worker shares its mapped files with no process, so private memory is measured with two. The
memory that one more worker adds is the growth of the sum over all processes, with every page
divided by the number of processes that map it. The second worker comes with a process that
supervises them, so the third one is measured.

SciPy is hidden from the service: numba would load it, but only training needs it.
"""

from collections.abc import Iterator
from pathlib import Path
from statistics import median

from bench.figures import Figure
from bench.load import Generator, generator
from bench.processes import CORES, Memory
from bench.running import SERVE, Running, running

__all__ = ["run"]

CONNECTIONS = 8


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """Measure one, two and three workers after some seconds of load."""
    seconds, starts = (0.2, 1) if smoke else (5.0, 3)
    bodies = requests.read_bytes().splitlines()
    ready_s, failures = [], 0
    held: dict[int, list[Memory]] = {}
    with generator(bodies, {CORES[-1]}) as load:
        for workers in (*[1] * starts, 2, 3):
            cores = set(CORES[:workers])
            with running(SERVE, bundle, cores, workers, without=("scipy",)) as service:
                failures += _failures(load, service, seconds)
                pids = dict.fromkeys((service.pid, *service.workers))
                held[workers] = [Memory.of(pid) for pid in pids]
                if workers == 1:
                    ready_s.append(service.ready_s)
    under: dict[str, str | float] = {"workers": 1, "starts": starts}
    return [
        Figure("a worker is ready after", median(ready_s), "s", at_most=3, under=under),
        *_memory(held, seconds),
        Figure("failures while memory was taken", failures, at_most=0),
    ]


def _failures(load: Generator, service: Running, seconds: float) -> int:
    return load.closed(f"{service.url}/recommend", seconds, CONNECTIONS).result.failures


def _memory(held: dict[int, list[Memory]], seconds: float) -> Iterator[Figure]:
    """Figures by number of workers; the first of several processes is the supervisor."""
    supervisor, *workers = held[2]
    under: dict[str, str | float] = {"workers": 2, "seconds of load": seconds}
    private = max(each.private for each in workers)
    yield Figure("private memory of a worker", private, "MB", at_most=250, under=under)
    anonymous = max(each.anonymous for each in workers)
    yield Figure("anonymous memory of a worker", anonymous, "MB", under=under)
    total = {count: sum(each.proportional for each in all_) for count, all_ in held.items()}
    added = total[2] - total[1]
    yield Figure("a second worker and the watching process add", added, "MB", under=under)
    yield Figure("private memory of the watching process", supervisor.private, "MB", under=under)
    under = under | {"workers": 3}
    yield Figure("one more worker adds", total[3] - total[2], "MB", at_most=120, under=under)
    for count, megabytes in total.items():
        under = under | {"workers": count}
        yield Figure(f"memory in all, workers: {count}", megabytes, "MB", under=under)
