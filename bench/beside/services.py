"""Ours beside what a user might build instead: FastAPI and the ALS of `implicit`.

Both run on one core and take turns under the same generator with the same requests; a prebuilt
answer of ours takes its turn, too. Then all held-out baskets are posted to each, so that both are
judged by what they answer over HTTP. What ours answers must be as good as in process.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path
from shutil import which
from statistics import median
from tempfile import TemporaryDirectory
from typing import NamedTuple

from bench.beside.als import Als, AlsSettings
from bench.beside.quality import quality_through_http
from bench.figures import Figure
from bench.processes import CORES, Memory
from bench.serving.load import Generator, Throughput, generator
from bench.serving.running import ECHO, Running, running
from bench.serving.wrk import Wrk
from index_builder.cli.held_out_baskets import read_held_out
from index_builder.config import read_build_config
from index_builder.evaluation.evaluate import training_baskets
from index_builder.measuring.quality import Quality, measure, ranking_function
from index_builder.transactions.encoded.encoding import EncodedTransactions
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source
from service.bundle.bundle import load_bundle
from service.recommending.recommender import Recommender

__all__ = ["Shop", "compare", "run"]

CONNECTIONS = 8
OURS, PREBUILT, OTHER = "ours", "our echo of a prebuilt answer", "FastAPI and implicit's ALS"
_IMPLICIT = (sys.executable, "-m", "bench.beside.implicit_service")
_SAME = 0.00005  # to four digits


class Shop(NamedTuple):
    """What is served and asked.

    Attributes:
        bundle: a bundle, or a directory of bundles.
        encoded: the baskets that it was built from.
        baskets: held-out baskets.
        bodies: of the requests whose throughput is measured.
    """

    bundle: Path
    encoded: EncodedTransactions
    baskets: Sequence[HeldOut]
    bodies: Sequence[bytes]


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """Measure both services on the demo's baskets."""
    loaded, transactions, baskets = read_held_out(Source(), Reading(), bundle, 0, None)
    encoded = training_baskets(loaded, transactions, read_build_config(loaded).min_item_baskets)
    bodies = requests.read_bytes().splitlines()
    return compare(Shop(bundle, encoded, baskets, bodies), *((1, 0.2) if smoke else (5, 3.0)))


def compare(shop: Shop, turns: int, turn_s: float) -> list[Figure]:
    """Measure throughput in so many turns of so many seconds, quality and memory.

    A library that is not installed is named on stderr and left out.
    """
    with ExitStack() as stack:
        core = {CORES[0]}
        ours = stack.enter_context(running(ECHO, shop.bundle, core))
        routes = {OURS: f"{ours.url}/recommend", PREBUILT: f"{ours.url}/echo-prebuilt"}
        services = {OURS: ours}
        if find_spec("implicit"):
            folder = Path(stack.enter_context(TemporaryDirectory()))
            Als.fit(shop.encoded, AlsSettings()).save(folder)
            flags = ("--model", str(folder))
            services[OTHER] = stack.enter_context(
                running(_IMPLICIT, shop.bundle, core, flags=flags)
            )
            routes[OTHER] = f"{services[OTHER].url}/recommend"
        else:
            print("bench: left out implicit, which is not installed: see `opponents` in "
                  "pyproject.toml", file=sys.stderr)  # fmt: skip
        program = which("wrk")
        load = stack.enter_context(generator(shop.bodies, {CORES[-1]}))
        wrk = Wrk(program, shop.bodies, {CORES[-1]}) if program else None
        return [
            *_throughput(wrk or load, routes, turns, turn_s),
            *_quality(services, shop),
            *_memory(services),
        ]


def _throughput(
    load: Generator | Wrk, routes: dict[str, str], turns: int, turn_s: float
) -> Iterator[Figure]:
    found: dict[str, list[Throughput]] = {name: [] for name in routes}
    for url in routes.values():
        load.throughput(url, turn_s, CONNECTIONS)  # warms up
    for _ in range(turns):
        for name, url in routes.items():
            found[name].append(load.throughput(url, turn_s, CONNECTIONS))
    under: dict[str, str | float] = {"connections": CONNECTIONS, "turns": turns, "workers": 1}
    for name, each in found.items():
        rate = median(turn.rate for turn in each)
        yield Figure(f"{name}, throughput", rate, "requests/s", under=under)
        for percent in ("p50", "p99"):
            taken = median(getattr(turn, f"{percent}_ms") for turn in each)
            yield Figure(f"{name}, {percent}", taken, "ms", under=under)
    failures = sum(turn.failures for each in found.values() for turn in each)
    yield Figure("failures beside others", failures, at_most=0, under=under)


def _quality(services: dict[str, Running], shop: Shop) -> Iterator[Figure]:
    bundle = load_bundle(shop.bundle)
    under: dict[str, str | float] = {"baskets": len(shop.baskets)}
    found = {
        name: quality_through_http(service.url, shop.baskets, bundle)
        for name, service in services.items()
    }
    inside = measure(ranking_function(Recommender(bundle), bundle), shop.baskets, bundle).quality
    for name, each in found.items():
        for measure_name, value in _means(each).items():
            yield Figure(f"{name}, {measure_name} through HTTP", value, under=under)
    for measure_name, value in _means(inside).items():
        apart = abs(value - _means(found[OURS])[measure_name])
        name = f"{measure_name} through HTTP, less that in process"
        yield Figure(name, apart, at_most=_SAME, under=under)


def _means(quality: Quality) -> dict[str, float]:
    return {"Recall@20": quality.recall, "NDCG@20": quality.ndcg}


def _memory(services: dict[str, Running]) -> Iterator[Figure]:
    for name, service in services.items():
        megabytes = Memory.of(service.pid).proportional
        yield Figure(f"{name}, memory", megabytes, "MB", under={"workers": 1})
