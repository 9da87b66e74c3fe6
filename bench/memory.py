"""What workers hold in memory, and how soon they are ready.

With one worker every mapped file is its own, so its private memory is taken with two. What a second
one adds is the growth of all processes together, every page divided among those that map it; the
process that only watches over several workers is left out, but for what it shares with them.
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
    """The figures of one worker and of two, after they have answered for a while."""
    seconds, starts = (0.2, 1) if smoke else (5.0, 3)
    bodies = requests.read_bytes().splitlines()
    ready_s = []
    failures = 0
    with generator(bodies, {CORES[-1]}) as load:
        for _ in range(starts):
            with running(SERVE, bundle, {CORES[0]}) as service:
                ready_s.append(service.ready_s)
                failures += _ask(load, service, seconds)
                alone = Memory.of(service.pid)
        with running(SERVE, bundle, set(CORES), workers=2) as service:
            failures += _ask(load, service, seconds)
            workers = [Memory.of(pid) for pid in service.workers]
            watching = Memory.of(service.pid)
    return [
        Figure(
            "a worker is ready after", median(ready_s), "s", at_most=3, under={"starts": starts}
        ),
        *_memory(alone, workers, watching, seconds),
        Figure("failures while memory was taken", failures, at_most=0),
    ]


def _ask(load: Generator, service: Running, seconds: float) -> int:
    return load.closed(f"{service.url}/recommend", seconds, CONNECTIONS).result.failures


def _memory(
    alone: Memory, workers: list[Memory], watching: Memory, seconds: float
) -> Iterator[Figure]:
    under: dict[str, str | float] = {"workers": len(workers), "seconds of load": seconds}
    private = max(each.private for each in workers)
    yield Figure("private memory of a worker", private, "MB", at_most=250, under=under)
    anonymous = max(each.anonymous for each in workers)
    yield Figure("anonymous memory of a worker", anonymous, "MB", under=under)
    together = sum(each.proportional for each in workers) + watching.proportional
    added = together - watching.private - alone.proportional
    yield Figure("a second worker adds", added, "MB", at_most=120, under=under)
    yield Figure("one worker, mapped files and all", alone.proportional, "MB")
    yield Figure("private memory of the watching process", watching.private, "MB", under=under)
