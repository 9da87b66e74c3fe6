"""Time and recall of searching 90,000 items, by backend and parameters.

The catalogue is the bundle's, grown (`bench.search.vectors`). A search is a batch of 10 anchors,
the best 100 for each, on one thread; all searches take turns, batch by batch. FAISS is measured on
the grid that a build tries, and the point that a build would choose is compared with plain NumPy.
So are lists of each anchor's closest items, made beforehand without the user and scored again for
the user; the limit is on the lists, which are the fastest way to the same recall, whatever weight
the user may get. NMSLIB is built with fewer links and a smaller construction effort than by
default, to keep that to about a minute. The libraries that a user might take instead search the
same batches, if they are installed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from bench.beside.searches import Effort, other_searches
from bench.figures import Figure
from bench.search.list_lengths import by_user_weight
from bench.search.retrieval_plots import Point, recall_against_time
from bench.search.searching import (
    FaissFlat,
    Lists,
    Numpy,
    Searches,
    anchors_of,
    percentiles_ms,
    recall_of,
    timed,
)
from bench.search.vectors import grown, queries_of_baskets
from index_builder.config import IndexConfig
from index_builder.index.tuning import frontier_of, grid, tried
from service.bundle.bundle import load_bundle
from service.bundle.manifest import IndexPoint
from service.retrieval.exact import Exact
from service.retrieval.nmslib import Nmslib
from service.support.arrays.array_types import Float32, Float64

__all__ = ["run"]

Under = dict[str, str | float]

_ANCHORS, _K = 10, 100
_TARGET = IndexConfig().ann_recall_target


@dataclass(frozen=True)
class _Extent:
    """How much is measured."""

    items: int = 90_000
    batches: int = 60
    m: int = 16
    ef_construction: int = 100
    ef_search: tuple[int, ...] = (100, 200, 400, 800, 1600)
    places: tuple[int, ...] = (150, 200, 300, 400)
    others: Effort = field(default_factory=Effort)


_SMOKE = _Extent(
    600, 3, 4, 10, (10, 20), (100, 300), Effort(8, 20, (10, 200), 10, (0.5, 1.0), (150,))
)


@dataclass(frozen=True, eq=False)
class _Tried:
    """One way to search, with its point of a build's grid."""

    family: str
    name: str
    search: Searches
    point: IndexPoint | None = None


def run(bundle: Path, requests: Path, out: Path, smoke: bool) -> list[Figure]:
    """Compare lists and the chosen point with NumPy, measure all backends, draw recall by time."""
    extent = _SMOKE if smoke else _Extent()
    loaded = load_bundle(bundle)
    rows = grown(loaded.item_vectors, extent.items)
    batches, alone = (
        anchors_of(list(islice(asked, 10 * extent.batches)), _ANCHORS, extent.batches)
        for asked in (queries_of_baskets(loaded, requests, known) for known in (True, False))
    )
    means = [queries.mean(axis=0, keepdims=True) for queries in batches]
    plain = _Tried("exact", "NumPy", Numpy(rows))
    exact = _Tried("exact", "exact backend", Exact(rows))
    flat = _Tried("exact", "FAISS flat", FaissFlat(rows))
    walks = [
        _Tried("NMSLIB", f"NMSLIB ef {w.parameters['ef_search']}", w) for w in _nmslib(rows, extent)
    ]
    # As in a build: half single anchors, half whole baskets.
    queries = np.concatenate([*batches, *(_ANCHORS * means)])
    scans = [
        _Tried("FAISS", _settings(point), index, point)
        for point, index in tried(rows, queries, grid(len(rows)), _K)
    ]
    lists = [
        _Tried("lists", f"lists of {places}", Lists(rows, exact.search, batches, alone, places))
        for places in extent.places
    ]
    others = [_Tried(*each) for each in other_searches(rows, extent.others)]
    everything = [plain, exact, flat, *walks, *scans, *lists, *others]
    times = dict(zip(everything, timed([t.search for t in everything], batches, _K), strict=True))
    recalls = {each: recall_of(each.search, exact.search, batches, _K) for each in everything}
    chosen = _chosen(scans, recalls)
    ours = _cheapest(lists, times, recalls)
    picked = [_cheapest(each, times, recalls) for each in _by_family(others)]
    notes = {plain: "NumPy", chosen: "FAISS, chosen", ours: ours.name}
    points = [_point(each, times[each], recalls[each], notes.get(each)) for each in everything]
    title = f"Recall@{_K}: {_ANCHORS} anchors over {extent.items:,} items, one thread"
    recall_against_time(out / "retrieval.svg", title, points, _TARGET)
    under: Under = {"items": extent.items, "anchors": _ANCHORS, "k": _K, "threads": 1}
    return [
        *_judged(plain, ours, batches, recalls[ours], under, limit=0.03),
        *_judged(plain, chosen, batches, recalls[chosen], under),
        *_one_query([plain, chosen], exact, means, under),
        _correlation(scans, times, under),
        *(
            figure
            for name, each in (("NumPy", plain), ("exact", exact), ("FAISS flat", flat))
            for figure in _orientation(name, times[each], recalls[each], under)
        ),
        *_orientation("FAISS", times[chosen], recalls[chosen], under),
        *_orientation("NMSLIB", times[walks[-1]], recalls[walks[-1]], under),
        *_orientation("lists", times[ours], recalls[ours], under),
        *by_user_weight(loaded, requests, rows, extent.batches, _TARGET),
        *(
            figure
            for each in picked
            for figure in _beside_lists(each, ours, times, recalls[each], under)
        ),
    ]


def _nmslib(rows: Float32, extent: _Extent) -> Iterator[Nmslib]:
    """One graph, searched with several efforts."""
    graph = {"m": extent.m, "ef_construction": extent.ef_construction}
    with TemporaryDirectory() as name:
        directory = Path(name)
        Nmslib.build(rows, graph).save(directory)
        for ef in extent.ef_search:
            yield Nmslib.load(directory, rows, graph | {"ef_search": ef})


def _point(each: _Tried, times: Float64, recall: float, name: str | None) -> Point:
    """Its point in the picture, with name and time if it has a name there."""
    ms = percentiles_ms(times)[0]
    return Point(each.family, ms, recall, f"{name}: {ms:.2g} ms" if name else "")


def _settings(point: IndexPoint) -> str:
    return ", ".join(f"{name} {value}" for name, value in point.parameters.items())


def _chosen(scans: Sequence[_Tried], recalls: dict[_Tried, float]) -> _Tried:
    """The point that a build would choose for these batches alone.

    That is the cheapest one that reaches the target, or else the one with the highest recall. A
    build also needs the target for the mean queries of whole baskets, which costs more.
    """
    frontier = frontier_of(
        each.point.model_copy(update={"ann_recall_at_k": recalls[each]})
        for each in scans
        if each.point
    )
    reached = [point for point in frontier if point.ann_recall_at_k >= _TARGET]
    best = (reached or frontier[::-1])[0]
    return next(each for each in scans if each.point and each.point.parameters == best.parameters)


def _by_family(tries: Sequence[_Tried]) -> list[list[_Tried]]:
    """Those of one family together."""
    return [
        [each for each in tries if each.family == family]
        for family in dict.fromkeys(each.family for each in tries)
    ]


def _cheapest(
    tries: Sequence[_Tried], times: dict[_Tried, Float64], recalls: dict[_Tried, float]
) -> _Tried:
    """The fastest that reaches the target, or else the one with the highest recall."""
    reached = [each for each in tries if recalls[each] >= _TARGET]
    if reached:
        return min(reached, key=lambda each: float(np.median(times[each])))
    return max(tries, key=recalls.__getitem__)


def _beside_lists(
    other: _Tried, ours: _Tried, times: dict[_Tried, Float64], recall: float, under: Under
) -> Iterator[Figure]:
    """Time of another library, and how many times it is that of the lists."""
    under = under | {"chosen": other.name, "lists": ours.name}
    yield from _orientation(other.family, times[other], recall, under)
    ratio = float(np.median(times[other]) / np.median(times[ours]))
    yield Figure(f"{other.family} beside the lists", ratio, "x", under=under)


def _judged(
    plain: _Tried,
    chosen: _Tried,
    batches: Sequence[Float32],
    recall: float,
    under: Under,
    limit: float | None = None,
) -> Iterator[Figure]:
    """Compare two searches in turns of ten batches, and in turns of one.

    NumPy reads all rows for every batch and empties the caches for the other search. In turns of
    ten the caches are as a service finds them.
    """
    pair = [plain.search, chosen.search]
    family, under = chosen.family, under | {"chosen": chosen.name}
    for turn, at_most in ((10, limit), (1, None)):
        seconds = timed(pair, [*batches, *batches], _K, turn)
        ratio = float(np.median(seconds[1]) / np.median(seconds[0]))
        name = f"{family} beside NumPy's GEMM and partition, turns of {turn}"
        facts = under | {"recall": round(recall, 4)}
        yield Figure(name, ratio, "x", at_most=at_most, under=facts)
    yield Figure(f"{family} ann_recall_at_100", recall, at_least=_TARGET, under=under)


def _one_query(
    searches: Sequence[_Tried], exact: _Tried, means: Sequence[Float32], under: Under
) -> Iterator[Figure]:
    """Compare two searches with one query per basket, the mean of its anchors."""
    seconds = timed([each.search for each in searches], means, _K)
    under = under | {"anchors": "mean of 10"}
    ratio = float(np.median(seconds[1] / seconds[0]))
    recall = recall_of(searches[1].search, exact.search, means, _K)
    yield Figure("FAISS beside NumPy, one mean query", ratio, "x", under=under)
    yield Figure("FAISS ann_recall_at_100, one mean query", recall, under=under)
    yield Figure("FAISS p50, one mean query", percentiles_ms(seconds[1])[0], "ms", under=under)


def _correlation(scans: Sequence[_Tried], times: dict[_Tried, Float64], under: Under) -> Figure:
    """Rank correlation (Spearman) of bytes read, by which a build orders the points, and time."""
    cost = np.argsort(np.argsort([each.point.cost_bytes for each in scans if each.point]))
    time = np.argsort(np.argsort([np.median(times[each]) for each in scans]))
    name = "bytes against time of the grid's points, rank correlation"
    return Figure(name, float(np.corrcoef(cost, time)[0, 1]), under=under | {"points": len(scans)})


def _orientation(name: str, seconds: Float64, recall: float, under: Under) -> Iterator[Figure]:
    for percentile, value in zip(("p50", "p95", "p99"), percentiles_ms(seconds), strict=True):
        yield Figure(
            f"{name} {percentile}", value, "ms", under=under | {"recall": round(recall, 4)}
        )
