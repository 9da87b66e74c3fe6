"""Time and memory of search by the size of the catalogue and of the basket.

Catalogue: 10 thousand to a million items, grown from the bundle's (`bench.search.vectors`). A
basket is 10 anchors in one batch, or their mean as one query; the best 100; one thread. The index
is made as in a build, with one quality of codes, and searched with the cheapest parameters that
reach a build's target in both forms. NMSLIB is built for 10 thousand items only: more would take
minutes.

Basket: the paper's Figure 2 for the bundle's own items, 1 to 50 anchors, with the recall of each
backend next to its name.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import faiss
import numpy as np

from bench.figures import Figure
from bench.processes import CORES, Memory, process_on
from bench.search.retrieval_plots import Series, lines_with_recall
from bench.search.searching import Numpy, Searches, anchors_of, percentiles_ms, recall_of, timed
from bench.search.vectors import grown, queries_of_baskets
from index_builder.config import IndexConfig
from index_builder.index.tuning import frontier_of, grid, tried
from service.bundle.bundle import Bundle, load_bundle
from service.retrieval import Retrieval, backend
from service.retrieval.exact import Exact
from service.retrieval.nmslib import Nmslib
from service.support.arrays.array_types import Float32

__all__ = ["run"]

Under = dict[str, str | float]

_ANCHORS, _K = 10, 100
_TARGET = IndexConfig().ann_recall_target
_QUALITY = {"variance_percent": 96, "dims_per_code": 2}
_AT_MOST = 0.025  # of NumPy's time for a million items
_FORMS = ("10 anchors", "one mean query")


@dataclass(frozen=True)
class _Extent:
    """How much is measured."""

    sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    baskets: int = 40
    nmslib_to: int = 10_000
    graph: tuple[tuple[str, int], ...] = (("m", 16), ("ef_construction", 100), ("ef_search", 800))
    anchors: tuple[int, ...] = (1, 2, 5, 10, 20, 50)


_SMOKE = _Extent((600, 1200), 2, 600, (("m", 4), ("ef_construction", 10)), (1, 2))


@dataclass(frozen=True)
class _Grown:
    """Figures of one catalogue size; times are p50 in ms of a batch of anchors and of one query."""

    items: int
    recall: float
    ours: tuple[float, float]
    p99: float
    numpy: tuple[float, float]
    rows_mb: float
    index_mb: float
    resident_mb: float
    nmslib: tuple[float, float] | None


def run(bundle: Path, requests: Path, out: Path, smoke: bool) -> list[Figure]:
    """Measure time, memory and recall by catalogue size, and time by number of anchors."""
    extent = _SMOKE if smoke else _Extent()
    loaded = load_bundle(bundle)
    baskets = list(islice(queries_of_baskets(loaded, requests), 20 * extent.baskets))
    sizes = [_at(size, loaded.item_vectors, baskets, extent) for size in extent.sizes]
    _draw(out / "growth.svg", sizes)
    return [
        *(f for each in sizes for f in _figures(each)),
        *_by_anchors(loaded, baskets, out, extent),
    ]


def _at(size: int, rows: Float32, baskets: list[Float32], extent: _Extent) -> _Grown:
    rows = grown(rows, size)
    batches = anchors_of(baskets, _ANCHORS, extent.baskets)
    means = [queries.mean(axis=0, keepdims=True) for queries in batches]
    index, index_bytes, resident = _index(rows, np.concatenate([*batches, *(10 * means)]))
    searches: list[Searches] = [index, Numpy(rows)]
    nmslib = Nmslib.build(rows, dict(extent.graph)) if size <= extent.nmslib_to else None
    walks = [nmslib] if nmslib else []
    exact = Exact(rows)
    of_anchors, of_means = (timed([*searches, *walks], each, _K) for each in (batches, means))
    both = (percentiles_ms(of_anchors[0]), percentiles_ms(of_means[0]))
    return _Grown(
        items=size,
        recall=min(recall_of(index, exact, each, _K) for each in (batches, means)),
        ours=(both[0][0], both[1][0]),
        p99=both[0][2],
        numpy=(percentiles_ms(of_anchors[1])[0], percentiles_ms(of_means[1])[0]),
        rows_mb=rows.nbytes / 1e6,
        index_mb=index_bytes / 1e6,
        resident_mb=resident,
        nmslib=(
            (percentiles_ms(of_anchors[2])[0], recall_of(nmslib, exact, batches, _K))
            if nmslib
            else None
        ),
    )


def _index(rows: Float32, queries: Float32) -> tuple[Retrieval, int, float]:
    """The cheapest index that reaches the target, its bytes on disk, and the MB it takes loaded."""
    lines = [line for line in grid(len(rows)) if line[0].items() >= _QUALITY.items()]
    points = []
    for point, searched in tried(rows, queries, lines, _K):
        points.append(point)
        codes = searched  # the same for all searches
    frontier = frontier_of(points)
    reached = [point for point in frontier if point.ann_recall_at_k >= _TARGET]
    kind = backend("faiss")
    with TemporaryDirectory() as name:
        directory = Path(name)
        codes.save(directory)
        index = kind.load(directory, rows, (reached or frontier[::-1])[0].parameters)
        (file,) = (directory / file for file in kind.files)
        with process_on(set(CORES)) as process:
            resident = process.submit(_resident_mb, str(file)).result()
        return index, file.stat().st_size, resident


def _resident_mb(file: str) -> float:
    """Anonymous memory that reading an index adds to a fresh process, in MB."""
    before = Memory.of(os.getpid()).anonymous
    index = faiss.read_index(file)
    return Memory.of(os.getpid()).anonymous - before if index.ntotal else 0


def _figures(each: _Grown) -> Iterator[Figure]:
    under: Under = {"items": each.items, "k": _K, "threads": 1, "recall": round(each.recall, 4)}
    judged = each.items == 1_000_000
    at = f"at {each.items:,} items"
    yield Figure(
        f"ann_recall_at_100 {at}", each.recall, at_least=_TARGET if judged else None, under=under
    )
    for name, ours, numpy in zip(_FORMS, each.ours, each.numpy, strict=True):
        limit = 10 if judged else None
        yield Figure(f"FAISS p50 {at}, {name}", ours, "ms", at_most=limit, under=under)
        yield Figure(f"NumPy p50 {at}, {name}", numpy, "ms", under=under | {"recall": 1})
    ratio = each.ours[0] / each.numpy[0]
    most = _AT_MOST if judged else None
    yield Figure(f"FAISS beside NumPy {at}, {_FORMS[0]}", ratio, "x", at_most=most, under=under)
    yield Figure(f"FAISS p99 {at}, {_FORMS[0]}", each.p99, "ms", under=under)
    yield Figure(f"index file {at}", each.index_mb, "MB", under=under)
    yield Figure(f"memory to load it {at}", each.resident_mb, "MB", under=under)
    if each.nmslib:
        ms, recall = each.nmslib
        found = under | {"recall": round(recall, 4)}
        yield Figure(f"NMSLIB p50 {at}, {_FORMS[0]}", ms, "ms", under=found)


def _draw(path: Path, sizes: list[_Grown]) -> None:
    x = [each.items for each in sizes]
    notes = [f"recall {each.recall:.3f}" for each in sizes]
    walked = [(each.items, *each.nmslib) for each in sizes if each.nmslib]
    times = [
        Series("NumPy", x, [each.numpy[0] for each in sizes]),
        Series("FAISS", x, [each.ours[0] for each in sizes], notes),
        Series("FAISS, one mean query", x, [each.ours[1] for each in sizes]),
        *(Series("NMSLIB", [n], [ms], [f"recall {r:.3f}; no further"]) for n, ms, r in walked),
    ]
    memory = [
        Series("FAISS", x, [each.index_mb for each in sizes]),
        Series("NumPy, the rows", x, [each.rows_mb for each in sizes]),
    ]
    panels = {("Time of 10 anchors", "ms"): times, ("Memory", "MB"): memory}
    lines_with_recall(path, panels, "items")


def _by_anchors(
    bundle: Bundle, baskets: list[Float32], out: Path, extent: _Extent
) -> Iterator[Figure]:
    """The paper's Figure 2 for the bundle's own rows."""
    rows = bundle.item_vectors
    exact = Exact(rows)
    searches: dict[str, Searches] = {"NumPy": Numpy(rows), "FAISS": bundle.retrieval}
    searches["NMSLIB"] = Nmslib.build(rows, dict(extent.graph))
    batches = [anchors_of(baskets, anchors, extent.baskets) for anchors in extent.anchors]
    times = [timed(list(searches.values()), each, _K) for each in batches]
    lines = []
    for place, (name, search) in enumerate(searches.items()):
        recall = recall_of(search, exact, batches[-1], _K)
        medians = [percentiles_ms(each[place])[0] for each in times]
        lines.append(Series(name, extent.anchors, medians, [f"recall {recall:.3f}"]))
        under: Under = {"items": len(rows), "k": _K, "threads": 1, "recall": round(recall, 4)}
        for anchors, value in zip(extent.anchors, medians, strict=True):
            yield Figure(f"{name} p50, {anchors} anchors", value, "ms", under=under)
    panel = {(f"Time of a basket over {len(rows):,} items", "ms"): lines}
    lines_with_recall(out / "anchors.svg", panel, "anchors in the basket")
