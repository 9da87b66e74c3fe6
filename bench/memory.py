"""What workers hold in memory, and how soon they are ready.

With one worker every mapped file is its own, so a worker's private memory is taken with two. What
one more adds is the growth of all processes together, every page divided among those that map it.
With the second worker comes the process that watches over them; the third is a worker and no more.

Training needs SciPy, which numba would load if it finds it; where the service runs there is none.
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
    """The figures of one worker, of two and of three, after they have answered for a while."""
    seconds, starts = (0.2, 1) if smoke else (5.0, 3)
    bodies = requests.read_bytes().splitlines()
    ready_s, failures = [], 0
    held: dict[int, list[Memory]] = {}
    with generator(bodies, {CORES[-1]}) as load:
        for workers in (*[1] * starts, 2, 3):
            cores = set(CORES[:workers])
            with running(SERVE, bundle, cores, workers, without=("scipy",)) as service:
                failures += _ask(load, service, seconds)
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


def _ask(load: Generator, service: Running, seconds: float) -> int:
    return load.closed(f"{service.url}/recommend", seconds, CONNECTIONS).result.failures


def _memory(held: dict[int, list[Memory]], seconds: float) -> Iterator[Figure]:
    """Figures of the processes by number of workers; the first of several only watches."""
    watching, *workers = held[2]
    under: dict[str, str | float] = {"workers": 2, "seconds of load": seconds}
    private = max(each.private for each in workers)
    yield Figure("private memory of a worker", private, "MB", at_most=250, under=under)
    anonymous = max(each.anonymous for each in workers)
    yield Figure("anonymous memory of a worker", anonymous, "MB", under=under)
    total = {count: sum(each.proportional for each in all_) for count, all_ in held.items()}
    added = total[2] - total[1]
    yield Figure("a second worker and the watching process add", added, "MB", under=under)
    yield Figure("private memory of the watching process", watching.private, "MB", under=under)
    under = under | {"workers": 3}
    yield Figure("one more worker adds", total[3] - total[2], "MB", at_most=120, under=under)
    for count, megabytes in total.items():
        under = under | {"workers": count}
        yield Figure(f"memory in all, workers: {count}", megabytes, "MB", under=under)
