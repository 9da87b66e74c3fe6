"""Processor time of a request around its recommendation: in the app, and between wire and app.

The recommender gives the same answer to every request (see `bench.serving.constant`). In the app a
request is parsed, gets an id, waits for its turn, and is answered, counted and logged; the app is
called inside its process, as in `bench.serving.stages`. The rest of what a request takes of a
served worker is the protocol's, the event loop's and the kernel's. Both take turns, on one core.
"""

import logging.config
import os
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import cycle, islice
from pathlib import Path
from shutil import which
from statistics import median
from tempfile import TemporaryFile

from fastapi import FastAPI

from bench.figures import Figure
from bench.processes import CORES, cpu_s, process_on
from bench.serving.constant import K, create_constant_app
from bench.serving.in_process import post
from bench.serving.load import Generator, generator
from bench.serving.running import CONSTANT, LOG_LEVEL, Running, running
from bench.serving.wrk import Wrk
from service.settings import Settings
from service.telemetry.logs import logging_config

__all__ = ["around"]

CONNECTIONS = 8
_Spent = tuple[int, float]  # failures, and seconds of the processor for a request


def around(bundle: Path, requests: Path, smoke: bool) -> list[Figure]:
    """Measure both in turns."""
    turns, count, seconds = (1, 200, 1.0) if smoke else (7, 3000, 3.0)
    bodies = requests.read_bytes().splitlines()
    program = which("wrk")
    with (
        process_on({CORES[0]}) as process,
        generator(bodies, {CORES[-1]}) as own,
        running(CONSTANT, bundle, {CORES[0]}) as service,
    ):
        load = Wrk(program, bodies, {CORES[-1]}) if program else own
        _served(load, service, 1)
        asked = (bundle, [*islice(cycle(bodies), count)])
        process.submit(_in_app, *asked).result()
        pairs = [
            (process.submit(_in_app, *asked).result(), _served(load, service, seconds))
            for _ in range(turns)
        ]
    under: dict[str, str | float] = {"k": K, "log": LOG_LEVEL, "keys": "none", "turns": turns}
    by: dict[str, str | float] = {
        "connections": CONNECTIONS,
        "generator": load.version if isinstance(load, Wrk) else "the project's own",
    }
    return list(_figures(pairs, under, by))


def _figures(
    pairs: Sequence[tuple[_Spent, _Spent]],
    under: dict[str, str | float],
    by: dict[str, str | float],
) -> Iterator[Figure]:
    in_app = [each for (_, each), _ in pairs]
    rest = [served - each for (_, each), (_, served) in pairs]
    yield Figure(
        "the app around the recommender", 1e6 * median(in_app), "µs", at_most=62, under=under
    )
    yield Figure("from wire to app", 1e6 * median(rest), "µs", at_most=124, under=under | by)
    failures = sum(each for pair in pairs for each, _ in pair)
    yield Figure("failures around the recommender", failures, at_most=0, under=under | by)


def _in_app(bundle: Path, bodies: Sequence[bytes]) -> _Spent:
    """What requests take of the app inside this process."""
    posted = post(_app(bundle), bodies)
    return posted.failures, posted.cpu_s / len(bodies)


@cache
def _app(bundle: Path) -> FastAPI:
    """The app, in a process that logs as the service does, to a file."""
    with TemporaryFile() as log:
        os.dup2(log.fileno(), sys.stderr.fileno())
    logging.config.dictConfig(logging_config(LOG_LEVEL))
    return create_constant_app(Settings(bundle=bundle))


def _served(load: Generator | Wrk, service: Running, seconds: float) -> _Spent:
    """What requests take of the served worker."""
    (worker,) = service.workers
    before = cpu_s(worker)
    found = load.throughput(f"{service.url}/recommend", seconds, CONNECTIONS)
    return found.failures, (cpu_s(worker) - before) / found.answers
