"""What two workers on two cores do beside one worker on one core.

The generator needs time as well: with one worker it has the other core, with two workers it takes
what it needs, at a low priority, from their cores. So what counts is what a second of the workers'
own processor time answers, which a client on another machine would leave alone; it holds the cost
of sharing caches, memory and metrics. The rates as they are, and how busy the cores were, stand
beside it, and what two cores do beside one when a program only counts: on a virtual machine they
may be two halves of one. The metrics of all workers together must account for every answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time

import httpx

from bench.figures import Figure
from bench.load import Generator, Load, generator
from bench.processes import CORES, apart, cpu_s
from bench.running import SERVE, Running, running

__all__ = ["run"]

CONNECTIONS = 32
NICENESS = 10
_ANSWERED = 'rtt2vec_requests_total{route="/recommend",status="200"}'


@dataclass(frozen=True)
class _Turn:
    """A load, and the processor time that the workers took for it."""

    load: Load
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        return len(self.load.result.times_ms) / self.cpu_s


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """The figures of two services, one with a worker and one with two, which take turns."""
    turns, seconds = (1, 0.3) if smoke else (5, 5.0)
    bodies = requests.read_bytes().splitlines()
    both = set(CORES[:2])
    with (
        running(SERVE, bundle, {CORES[0]}) as one,
        running(SERVE, bundle, both, workers=2) as two,
        generator(bodies, {CORES[-1]}, NICENESS) as beside,
        generator(bodies, both, NICENESS) as among,
    ):
        _turn(beside, one, seconds / 2)
        warm_up = _turn(among, two, seconds / 2)
        pairs, cores = [], []
        for _ in range(turns):
            pairs.append((_turn(beside, one, seconds), _turn(among, two, seconds)))
            cores.append(_two_cores(seconds / 5))
        counted = _counted(two.url)
    sent = [warm_up, *(second for _, second in pairs)]
    return [
        *_scale(pairs),
        Figure("two cores beside one, counting", median(cores), under={"turns": turns}),
        *_account(sent, counted),
    ]


def _turn(load: Generator, service: Running, seconds: float) -> _Turn:
    before = sum(map(cpu_s, service.workers))
    found = load.closed(f"{service.url}/recommend", seconds, CONNECTIONS)
    return _Turn(found, sum(map(cpu_s, service.workers)) - before)


def _two_cores(seconds: float) -> float:
    """How fast two processes count beside one, per second of their processors."""
    with apart({CORES[0]}) as first, apart({CORES[-1]}) as second:
        alone = first.submit(_count, seconds).result()
        both = [process.submit(_count, seconds) for process in (first, second)]
        return sum(each.result() for each in both) / alone


def _count(seconds: float) -> float:
    """How far this processor counts in one of its seconds."""
    counted, began = 0, process_time()
    while (taken := process_time() - began) < seconds:
        for _ in range(10_000):
            counted += 1
    return counted / taken


def _scale(pairs: list[tuple[_Turn, _Turn]]) -> Iterator[Figure]:
    under: dict[str, str | float] = {"connections": CONNECTIONS, "turns": len(pairs)}
    yield Figure(
        "two workers beside one, per second of their processors",
        2 * median(two.per_cpu_s / one.per_cpu_s for one, two in pairs),
        at_least=1.7,
        under=under,
    )
    rates = [two.load.result.rate / one.load.result.rate for one, two in pairs]
    taken = median(two.load.busy for _, two in pairs)
    under = under | {"generator's share of a core": round(taken, 2)}
    yield Figure("two workers beside one, as measured", median(rates), under=under)
    busy = [(two.cpu_s + two.load.cpu_s) / two.load.result.seconds / 2 for _, two in pairs]
    yield Figure("share of both cores that workers and generator took", median(busy), under=under)


def _counted(url: str) -> float:
    """The answers of all workers, as the metrics have them."""
    samples = (line.rpartition(" ") for line in httpx.get(f"{url}/metrics").text.splitlines())
    return sum(float(value) for name, _, value in samples if name == _ANSWERED)


def _account(sent: list[_Turn], counted: float) -> Iterator[Figure]:
    answered = sum(len(turn.load.result.times_ms) for turn in sent)
    under: dict[str, str | float] = {"answers": answered, "counted": counted, "workers": 2}
    missing = abs(answered - counted)
    yield Figure("answers that the metrics do not account for", missing, at_most=0, under=under)
    failures = sum(turn.load.result.failures for turn in sent)
    yield Figure("failures of two workers", failures, at_most=0, under=under)
