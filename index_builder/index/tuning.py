"""The tuning of the index: the cheapest parameters that reach the target recall."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import product
from math import log2
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import numpy as np

from index_builder.config import Backend, IndexConfig
from service.bundle.manifest import IndexPoint
from service.retrieval import Retrieval, backend, measure_ann_recall, share_found
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32

GridLine = tuple[dict[str, int], list[dict[str, int]]]

_RESCORED = 6  # scanned bytes that cost as much as one byte of a row that is rescored
_PER_LIST = 8192  # scanned bytes that cost as much as opening a list
_LISTS_FROM = 50_000  # items; with fewer, choosing lists takes longer than scanning all codes
# Shares of the lists; all of them for a target that nothing less reaches.
_PROBED = (0.05, 0.075, 0.1, 0.125, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.5, 0.7, 1)


class IndexRecallError(RuntimeError):
    """The index misses its recall target."""


class BuiltIndex(NamedTuple):
    """An index, its ann_recall_at_k, and the points that it was chosen from, cheapest first."""

    retrieval: Retrieval
    ann_recall_at_k: float
    frontier: tuple[IndexPoint, ...] = ()


def check_index_config(config: IndexConfig) -> None:
    """Builds a tiny index, so that a wrong parameter is found before the training and not after.

    Raises:
        RetrievalError: a library is not installed, a parameter is unknown or out of range.
    """
    rows = np.eye(max(3, config.parameters.get("lists", 0)), 3, dtype=np.float32)
    backend(config.backend).build(rows, config.parameters)


def build_index(rows: Float32, queries: Float32, config: IndexConfig) -> BuiltIndex:
    """Builds the index over the rows and measures it.

    Args:
        rows: (n_items, 2d + 1) float32, the most popular item first.
        queries: (n, 2d + 1) float32, from real baskets.
        config: backend, parameters, and the ann_recall_at_k to reach.

    Raises:
        IndexRecallError: the index misses the target.
    """
    retrieval = backend(config.backend).build(rows, config.parameters)
    recall = measure_ann_recall(retrieval, Exact(rows), queries, config.ann_recall_k)
    if recall < config.ann_recall_target:
        raise _too_little(config, f"found {recall:.4f} with {retrieval.parameters}")
    return BuiltIndex(retrieval, recall)


def tune_index(rows: Float32, queries: Float32, config: IndexConfig) -> BuiltIndex:
    """Builds the index with the cheapest parameters that reach the target.

    The cost is the number of bytes that a query reads (`cost_bytes`), not time, so that every
    machine makes the same bundle. If the configuration has parameters, these are used.

    Args:
        rows: (n_items, 2d + 1) float32, the most popular item first.
        queries: (n, 2d + 1) float32; the first half of one anchor each, the second of whole
            baskets. The lower recall of the two halves counts.
        config: backend, parameters, and the ann_recall_at_k to reach.

    Raises:
        IndexRecallError: no parameters that were tried reach the target.
    """
    if config.parameters or config.backend is not Backend.FAISS:
        return build_index(rows, queries, config)
    points = grid(len(rows))
    frontier = frontier_of(point for point, _ in tried(rows, queries, points, config.ann_recall_k))
    reached = [each for each in frontier if each.ann_recall_at_k >= config.ann_recall_target]
    if not reached:
        found = "; ".join(f"{each.ann_recall_at_k:.4f} with {each.parameters}" for each in frontier)
        raise _too_little(config, f"found {found}")
    chosen = config.model_copy(update={"parameters": reached[0].parameters})
    return build_index(rows, queries, chosen)._replace(frontier=frontier)


def grid(n_items: int) -> Iterator[GridLine]:
    """Yields the parameters to try: those of an index, and those of the searches in it."""
    lists = 1 << round(log2(2 * n_items**0.5)) if n_items >= _LISTS_FROM else 0
    probes = [round(share * lists) for share in _PROBED] if lists else [1]
    for variance, dims in ((95, 1), (96, 1), (97, 1), (96, 2)):
        factors = (2, 3, 4) if dims == 1 else (4, 6, 8)
        made = {"variance_percent": variance, "dims_per_code": dims, "lists": lists}
        yield made, [{"k_factor": k, "probes": p} for k, p in product(factors, probes)]


def cost_bytes(rows: Float32, parameters: Mapping[str, int], index_bytes: int, k: int) -> int:
    """The cost of a query: bytes of the codes in the probed lists, and of the rescored rows.

    Args:
        rows: (n_items, 2d + 1) float32.
        parameters: of FAISS.
        index_bytes: size of all codes.
        k: items to find.
    """
    lists, probes = parameters["lists"], parameters["probes"]
    scanned = index_bytes * probes // lists + probes * _PER_LIST if lists else index_bytes
    row_bytes: int = rows.shape[1] * rows.itemsize
    return scanned + _RESCORED * row_bytes * min(k * parameters["k_factor"], len(rows))


def tried(
    rows: Float32, queries: Float32, points: Iterable[GridLine], k: int
) -> Iterator[tuple[IndexPoint, Retrieval]]:
    """Measures lines of a grid; each index is built once for all its searches.

    Args:
        rows: (n_items, 2d + 1) float32, the most popular item first.
        queries: (n, 2d + 1) float32, in halves as for `tune_index`.
        points: the lines of the grid.
        k: of ann_recall_at_k.
    """
    kind, exact = backend(Backend.FAISS), Exact(rows)
    halves = [half for half in np.array_split(queries, 2) if len(half)]
    wanted = [exact.search(half, k)[1] for half in halves]
    for made, searches in points:
        with TemporaryDirectory() as name:
            kind.build(rows, made).save(directory := Path(name))
            size = sum((directory / file).stat().st_size for file in kind.files)
            for searched in searches:
                parameters = made | searched
                index = kind.load(directory, rows, parameters)
                found = [index.search(half, k)[1] for half in halves]
                point = IndexPoint(
                    parameters=parameters,
                    ann_recall_at_k=min(map(share_found, wanted, found)),
                    cost_bytes=cost_bytes(rows, parameters, size, k),
                )
                yield point, index


def frontier_of(points: Iterable[IndexPoint]) -> tuple[IndexPoint, ...]:
    """The points whose recall no cheaper point reaches, cheapest first."""
    frontier: list[IndexPoint] = []
    for each in sorted(points, key=lambda point: (point.cost_bytes, -point.ann_recall_at_k)):
        if not frontier or each.ann_recall_at_k > frontier[-1].ann_recall_at_k:
            frontier.append(each)
    return tuple(frontier)


def _too_little(config: IndexConfig, found: str) -> IndexRecallError:
    return IndexRecallError(
        f"{config.backend} index: expected ann_recall_at_{config.ann_recall_k} of "
        f"{config.ann_recall_target} or more against exact search, {found}. Choose other "
        "parameters (--index-parameter name=value), or --backend exact, which finds everything."
    )
