"""Searches that take turns, with their time and recall, and plain NumPy to compare with."""

from collections.abc import Sequence
from time import perf_counter
from typing import Protocol

import faiss
import numpy as np

from service.retrieval import rescore, share_found
from service.support.arrays.array_types import Float32, Float64, Int32

__all__ = [
    "FaissFlat",
    "Found",
    "Lists",
    "Numpy",
    "Searches",
    "anchors_of",
    "percentiles_ms",
    "recall_of",
    "timed",
]

Found = tuple[Float32, Int32]


class Searches(Protocol):
    """Anything that finds the best k rows."""

    def search(self, queries: Float32, k: int, /) -> Found:
        """Scores and rows, both (n, k)."""


class Numpy:
    """The obvious NumPy code: a matrix product, a partition, and a sort of the best k."""

    def __init__(self, rows: Float32) -> None:
        self.rows = rows

    def search(self, queries: Float32, k: int) -> Found:
        """Scores and rows, both (n, k)."""
        scores = queries @ self.rows.T
        k = min(k, len(self.rows))
        found = np.argpartition(scores, -k, axis=1)[:, -k:]
        best = np.take_along_axis(scores, found, axis=1)
        order = np.argsort(-best, axis=1)
        items = np.take_along_axis(found, order, axis=1).astype(np.int32)
        return np.take_along_axis(best, order, axis=1), items


class FaissFlat:
    """FAISS's own exact search."""

    def __init__(self, rows: Float32) -> None:
        self._index = faiss.IndexFlatIP(rows.shape[1])
        self._index.add(rows)

    def search(self, queries: Float32, k: int) -> Found:
        """Scores and rows, both (n, k)."""
        faiss.omp_set_num_threads(1)
        scores, items = self._index.search(queries, k)
        return scores, items.astype(np.int32)


class Lists:
    """Lists of each anchor's closest items, made beforehand and scored again for the user."""

    def __init__(
        self,
        rows: Float32,
        index: Searches,
        batches: Sequence[Float32],
        alone: Sequence[Float32],
        places: int,
    ) -> None:
        """Makes the lists.

        Args:
            rows: the item vectors.
            index: finds the items of the lists.
            batches: the queries that will be searched.
            alone: the same queries without the user's vector.
            places: length of a list.
        """  # fmt: skip
        self._rows = rows
        found = index.search(np.concatenate(alone), places)[1].astype(np.int64)
        # The service finds a list by the anchor's item; here by the anchor's query.
        keys = (query.tobytes() for query in np.concatenate(batches))
        self._lists = dict(zip(keys, found, strict=True))

    def search(self, queries: Float32, k: int) -> Found:
        """Scores and rows, both (n, k)."""
        listed = np.stack([self._lists[query.tobytes()] for query in queries])
        return rescore(self._rows, queries, listed, k)


def timed(
    searches: Sequence[Searches], batches: Sequence[Float32], k: int, turn: int = 1
) -> Float64:
    """Seconds of each search for each batch, (searches, batches).

    The searches take turns of `turn` batches, so that other work of the machine affects all alike.
    In turns of one batch, each finds the processor's caches filled by another search.
    """
    seconds = np.empty((len(searches), len(batches)))
    for each in searches:
        each.search(batches[0], k)
    for start in range(0, len(batches), turn):
        for place, each in enumerate(searches):
            for batch in range(start, min(start + turn, len(batches))):
                began = perf_counter()
                each.search(batches[batch], k)
                seconds[place, batch] = perf_counter() - began
    return seconds


def recall_of(search: Searches, exact: Searches, batches: Sequence[Float32], k: int) -> float:
    """ann_recall_at_k over all queries of the batches."""
    queries = np.concatenate(batches)
    return share_found(exact.search(queries, k)[1], search.search(queries, k)[1])


def percentiles_ms(seconds: Float64) -> list[float]:
    """p50, p95 and p99 in milliseconds."""
    return [float(each) for each in np.percentile(seconds, (50, 95, 99)) * 1000]


def anchors_of(baskets: Sequence[Float32], anchors: int, n: int, seed: int = 1) -> list[Float32]:
    """Queries of baskets of one size: larger baskets are cut, smaller ones filled from the next."""
    rng = np.random.default_rng(seed)
    pool = np.concatenate(baskets)
    chosen = [queries for queries in baskets if len(queries) >= anchors][:n]
    cut = [rng.permutation(queries)[:anchors] for queries in chosen]
    starts = rng.integers(max(1, len(pool) - anchors), size=n - len(cut))
    shape = (anchors, pool.shape[1])
    return cut + [np.resize(pool[start : start + anchors], shape) for start in starts]
