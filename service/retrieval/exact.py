"""Exact search: every row times every query."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from service.retrieval._interface import Found, checked_queries, checked_rows
from service.retrieval._parameters import Parameters
from service.retrieval._ranking import as_keys, rescore
from service.support.arrays.array_types import Float32, Int64
from service.support.arrays.rank_keys import best_keys, indices_of

# Scores in memory at once, whatever the size of the catalogue: 16 MB, and keys of twice that.
_BLOCK = 1 << 22


class Exact:
    """A matrix product and a partition, block by block; its time is linear in the catalogue.

    The product runs on as many threads as NumPy's BLAS has by OPENBLAS_NUM_THREADS.
    """

    name: ClassVar[str] = "exact"
    files: ClassVar[tuple[str, ...]] = ()

    def __init__(self, rows: Float32) -> None:
        self.rows = checked_rows(rows)
        self.parameters: dict[str, int] = {}

    @classmethod
    def build(cls, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """There is nothing to build, and nothing to tune."""
        Parameters.of(parameters)
        return cls(rows)

    @classmethod
    def load(cls, _directory: Path, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """There is nothing to load."""
        return cls.build(rows, parameters)

    def save(self, directory: Path) -> None:
        """There is nothing to save."""

    def search(self, queries: Float32, k: int) -> Found:
        """See `Retrieval.search`; finds everything."""
        queries = checked_queries(queries, self.rows.shape[1], k)
        step = max(1, _BLOCK // max(1, len(queries)))
        blocks = [
            best_keys(self._keys(queries, start, start + step), k)
            for start in range(0, len(self.rows), step)
        ]
        best = best_keys(np.concatenate(blocks, axis=1), k)
        return rescore(self.rows, queries, indices_of(best), k)

    def _keys(self, queries: Float32, start: int, stop: int) -> Int64:
        return as_keys(queries @ self.rows[start:stop].T, start)
