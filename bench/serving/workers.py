"""Two workers on two cores, compared with one worker on one core.

The load generator needs processor time too. With one worker it has the other core; with two workers
it shares their cores, at a low priority. So the figure that counts is answers per second of the
workers' own processor time, which a client on another machine would not change. It includes the
cost of sharing caches, memory and metrics. For information there are also the rates as measured,
how busy the cores were, and how much faster two cores count than one: on a virtual machine they may
be two halves of one core. The metrics of all workers together must account for every answer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import process_time

import httpx

from bench.figures import Figure
from bench.processes import CORES, cpu_s, process_on
from bench.serving.load import Generator, Load, generator
from bench.serving.running import SERVE, Running, running

__all__ = ["run"]

CONNECTIONS = 32
NICENESS = 10
_ANSWERED = 'rtt2vec_requests_total{route="/recommend",status="200"}'


@dataclass(frozen=True)
class _Turn:
    """A load, and the processor time that the workers used for it."""

    load: Load
    cpu_s: float

    @property
    def per_cpu_s(self) -> float:
        return len(self.load.result.times_ms) / self.cpu_s


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """Measure two services in turn, one with one worker and one with two."""
    turns, seconds = (1, 0.3) if smoke else (5, 5.0)
    bodies = requests.read_bytes().splitlines()
    both = set(CORES[:2])
    with (
        running(SERVE, bundle, {CORES[0]}) as one,
        running(SERVE, bundle, both, workers=2) as two,
        generator(bodies, {CORES[-1]}, NICENESS) as on_other_core,
        generator(bodies, both, NICENESS) as on_both_cores,
    ):
        _turn(on_other_core, one, seconds / 2)
        warm_up = _turn(on_both_cores, two, seconds / 2)
        pairs, cores = [], []
        for _ in range(turns):
            pairs.append((_turn(on_other_core, one, seconds), _turn(on_both_cores, two, seconds)))
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
    with process_on({CORES[0]}) as first, process_on({CORES[-1]}) as second:
        alone = first.submit(_count, seconds).result()
        both = [process.submit(_count, seconds) for process in (first, second)]
        return sum(each.result() for each in both) / alone


def _count(seconds: float) -> float:
    """How far this core counts in a second of its processor time."""
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
        at_least=1.8,
        under=under,
    )
    rates = [two.load.result.rate / one.load.result.rate for one, two in pairs]
    taken = median(two.load.busy for _, two in pairs)
    under = under | {"generator's share of a core": round(taken, 2)}
    yield Figure("two workers beside one, as measured", median(rates), under=under)
    busy = [(two.cpu_s + two.load.cpu_s) / two.load.result.seconds / 2 for _, two in pairs]
    yield Figure("share of both cores that workers and generator took", median(busy), under=under)


def _counted(url: str) -> float:
    """Number of answers of all workers, by the metrics."""
    samples = (line.rpartition(" ") for line in httpx.get(f"{url}/metrics").text.splitlines())
    return sum(float(value) for name, _, value in samples if name == _ANSWERED)


def _account(sent: list[_Turn], counted: float) -> Iterator[Figure]:
    answered = sum(len(turn.load.result.times_ms) for turn in sent)
    under: dict[str, str | float] = {"answers": answered, "counted": counted, "workers": 2}
    missing = abs(answered - counted)
    yield Figure("answers that the metrics do not account for", missing, at_most=0, under=under)
    failures = sum(turn.load.result.failures for turn in sent)
    yield Figure("failures of two workers", failures, at_most=0, under=under)
