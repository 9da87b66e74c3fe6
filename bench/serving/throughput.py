"""Throughput of /recommend, its latency at a constant rate, and the cost of a large basket.

The service runs on one core and the load generator on another: for throughput wrk where it is
installed, for the rest the project's own. /recommend and the two echo routes of the same app (see
`bench.serving.echo`) take turns, so that other work of the machine affects them alike: the ratio
within a turn counts, the rates are for information. Then the same service gets requests at a
constant rate, and at three quarters of its throughput; latency counts from the moment at which a
request was due. An echo route at the same rate shows how much the generator adds, at most. At last,
another service changes its bundle again and again meanwhile.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from shutil import which
from statistics import median

from bench.figures import Figure
from bench.processes import CORES
from bench.serving.load import Generator, Throughput, generator
from bench.serving.running import ECHO, LOG_LEVEL, running
from bench.serving.swaps import during_swaps
from bench.serving.wrk import Wrk
from loadtest.result import Result
from service.bundle.bundle import load_bundle

__all__ = ["run"]

CONNECTIONS, MANY_CONNECTIONS = 8, 64
ROUTES = ("/recommend", "/echo", "/echo-prebuilt")


@dataclass(frozen=True)
class _Extent:
    """How much is measured; lengths in seconds, rates in requests per second."""

    warm_up_s: float = 3
    turns: int = 7
    turn_s: float = 3
    rate: float = 1000
    steady_s: float = 120
    echo_s: float = 20
    busy_share: float = 0.75
    busy_turns: int = 5
    busy_s: float = 10
    swap_rate: float = 300
    swap_s: float = 30
    sizes: tuple[int, int] = (10, 100)
    sizes_s: float = 10


_SMOKE = _Extent(
    warm_up_s=0.1,
    turns=1,
    turn_s=0.2,
    rate=100,
    steady_s=0.3,
    echo_s=0.2,
    busy_share=0.05,
    busy_turns=1,
    busy_s=1,
    swap_rate=20,
    swap_s=0.5,
    sizes=(1, 3),
    sizes_s=0.2,
)


def run(bundle: Path, requests: Path, _out: Path, smoke: bool) -> list[Figure]:
    """Measure a service under several kinds of load, and another one during swaps."""
    extent = _SMOKE if smoke else _Extent()
    bodies = requests.read_bytes().splitlines()
    loaded = load_bundle(bundle)
    under: dict[str, str | float] = {
        "items": len(loaded.catalogue),
        "ann recall": round(loaded.manifest.retrieval.ann_recall_at_k, 4),
        "workers": 1,
        "log": LOG_LEVEL,
    }
    program = which("wrk")
    wrk = Wrk(program, bodies, {CORES[-1]}) if program else None
    with generator(bodies, {CORES[-1]}) as load:
        with running(ECHO, bundle, {CORES[0]}) as service:
            url = service.url
            load.closed(f"{url}/recommend", extent.warm_up_s, CONNECTIONS)
            by = under | {"generator": wrk.version if wrk else "the project's own"}
            figures = list(_throughput(wrk or load, url, extent, by))
            figures += _steady(load, url, extent, under)
            figures += _busy(load, wrk or load, f"{url}/recommend", extent, under)
            figures += _sizes(load, url, extent, under)
        figures += during_swaps(bundle, load, extent.swap_rate, extent.swap_s, limit_ms=15)
    return figures


def _throughput(
    load: Generator | Wrk, url: str, extent: _Extent, under: dict[str, str | float]
) -> Iterator[Figure]:
    found: dict[str, list[Throughput]] = {route: [] for route in ROUTES}
    for _ in range(extent.turns):
        for route, turns in found.items():
            turns.append(load.throughput(url + route, extent.turn_s, CONNECTIONS))
    rates = {route: [each.rate for each in turns] for route, turns in found.items()}
    under = under | {"connections": CONNECTIONS, "turns": extent.turns}

    def ratio_to(route: str) -> float:
        return median(a / b for a, b in zip(rates["/recommend"], rates[route], strict=True))

    yield Figure(
        "/recommend beside /echo, which builds its 20 items",
        ratio_to("/echo"),
        at_least=0.5,
        under=under,
    )
    yield Figure(
        "/recommend beside /echo-prebuilt", ratio_to("/echo-prebuilt"), at_least=0.45, under=under
    )
    for route in ROUTES:
        yield Figure(f"throughput of {route}", median(rates[route]), "requests/s", under=under)
    busy = max(each.busy for turns in found.values() for each in turns)
    yield Figure("share of its core that the generator took", busy, at_most=0.9)
    failures = sum(each.failures for turns in found.values() for each in turns)
    yield Figure("failures of the throughput", failures, at_most=0, under=under)


def _steady(
    load: Generator, url: str, extent: _Extent, under: dict[str, str | float]
) -> Iterator[Figure]:
    at_rate = partial(load.open, rate=extent.rate, connections=MANY_CONNECTIONS, awake=True)
    steady = at_rate(f"{url}/recommend", seconds=extent.steady_s).result
    under = under | {"requests/s": extent.rate, "seconds": extent.steady_s}
    for percent, limit in ((50, 0.8), (99, 1.6), (99.9, 5)):
        name = f"p{percent:g} at a constant rate"
        yield Figure(name, steady.percentile_ms(percent), "ms", at_most=limit, under=under)
    yield Figure("failures at a constant rate", steady.failures, at_most=0, under=under)
    echo = at_rate(f"{url}/echo-prebuilt", seconds=extent.echo_s).result
    under = {"requests/s": extent.rate, "seconds": extent.echo_s, "route": "/echo-prebuilt"}
    for percent in (50, 99, 99.9):
        yield Figure(f"generator p{percent:g}", echo.percentile_ms(percent), "ms", under=under)


def _busy(
    load: Generator,
    closed: Generator | Wrk,
    url: str,
    extent: _Extent,
    under: dict[str, str | float],
) -> Iterator[Figure]:
    """Latency at a share of the throughput, which each turn takes anew: it varies by the minute."""
    rates: list[int] = []
    found: list[Result] = []
    for _ in range(extent.busy_turns):
        reached = closed.throughput(url, extent.turn_s, CONNECTIONS).rate
        rates.append(round(extent.busy_share * reached))
        taken = load.open(url, rates[-1], extent.busy_s, MANY_CONNECTIONS, awake=True)
        found.append(taken.result)
    under = under | {"requests/s": median(rates), "seconds": extent.busy_s, "turns": len(rates)}
    for percent, limit in ((50, None), (99, 5), (99.9, None)):
        name = f"p{percent:g} at {extent.busy_share:g} of the throughput"
        value = median(each.percentile_ms(percent) for each in found)
        yield Figure(name, value, "ms", at_most=limit, under=under)
    failures = sum(each.failures for each in found)
    yield Figure("failures at that rate", failures, at_most=0, under=under)


def _sizes(
    load: Generator, url: str, extent: _Extent, under: dict[str, str | float]
) -> Iterator[Figure]:
    small, large = extent.sizes
    bodies = _sized(load.bodies, extent.sizes)
    result = load.closed(f"{url}/recommend", extent.sizes_s, 1, bodies).result
    # One connection: the answers come in the order of the requests.
    times = {small: result.times_ms[0::2], large: result.times_ms[1::2]}
    medians = {size: median(taken) for size, taken in times.items()}
    under = under | {"connections": 1, "users": len(bodies) // 2, "requests": len(times[large])}
    name = f"a basket of {large} beside one of {small}"
    yield Figure(name, medians[large] / medians[small], at_most=2, under=under)
    for size in extent.sizes:
        yield Figure(f"median of a basket of {size}", medians[size], "ms", under=under)
    yield Figure("failures of large baskets", result.failures, at_most=0, under=under)


def _sized(bodies: Sequence[bytes], sizes: tuple[int, int]) -> list[bytes]:
    """Requests with baskets of both sizes in turn, cut from all items of a user's baskets."""
    items: dict[str, dict[str, None]] = {}
    for body in map(json.loads, bodies):
        items.setdefault(body["user_id"], {}).update(dict.fromkeys(body["basket"]))
    return [
        json.dumps({"user_id": user, "basket": list(basket)[:size], "k": 20}).encode()
        for user, basket in items.items()
        if len(basket) >= max(sizes)
        for size in sizes
    ]
