"""Approximate search with NMSLIB: a navigable graph over rows of equal length.

A search follows the graph by distance, and the inner product is no distance: with raw rows the
search may stop at a few long ones and find a tenth of the true answers. One more dimension gives
every row the length of the longest, and is 0 in every query. The nearest row by angle is then the
one with the largest inner product.

NMSLIB has its own copy of the rows in each worker, and draws the levels of the graph from a
generator that cannot be seeded: two builds from the same vectors differ.
"""

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import copyfile
from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field

from service.retrieval._interface import Found, RetrievalError, checked_queries, checked_rows
from service.retrieval._parameters import Parameters
from service.retrieval._ranking import rescore
from service.support.arrays.array_types import Float32

_FILE = "index.nmslib"


class NmslibParameters(Parameters):
    """Density of the graph, and effort of a search."""

    m: int = Field(default=32, ge=2, description="links per node")
    ef_construction: int = Field(default=400, ge=1, description="nodes compared per insertion")
    ef_search: int = Field(default=600, ge=1, description="nodes kept per search")


class Nmslib:
    """HNSW by cosine over augmented rows."""

    name: ClassVar[str] = "nmslib"
    files: ClassVar[tuple[str, ...]] = (_FILE,)

    def __init__(
        self, rows: Float32, index: Any, parameters: NmslibParameters, file: Path | None = None
    ) -> None:
        self.rows = rows
        self.parameters: dict[str, int] = parameters.model_dump()
        self._index = index
        self._file = file  # where the graph was loaded from
        index.setQueryTimeParams({"efSearch": parameters.ef_search})  # the file lacks it

    @classmethod
    def build(cls, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """Insert the rows one after the other, on one thread."""
        rows, chosen = checked_rows(rows), NmslibParameters.of(parameters)
        index = _new_index()
        index.addDataPointBatch(_equally_long(rows))
        graph = {"M": chosen.m, "efConstruction": chosen.ef_construction, "indexThreadQty": 1}
        index.createIndex(graph, print_progress=False)
        return cls(rows, index, chosen)

    @classmethod
    def load(cls, directory: Path, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """Read the graph, which has its own copy of the rows."""
        index = _new_index()
        index.loadIndex(str(directory / _FILE), load_data=False)
        return cls(checked_rows(rows), index, NmslibParameters.of(parameters), directory / _FILE)

    def save(self, directory: Path) -> None:
        """Write the graph; a loaded one is copied, since NMSLIB would write an empty one."""
        if self._file is not None:
            copyfile(self._file, directory / _FILE)
        else:
            self._index.saveIndex(str(directory / _FILE), save_data=False)

    def search(self, queries: Float32, k: int) -> Found:
        """See `Retrieval.search`; searches the graph once per query, on one thread."""
        queries = checked_queries(queries, self.rows.shape[1], k)
        candidates = np.full((len(queries), k), -1, np.int64)
        padded = np.pad(queries, ((0, 0), (0, 1)))
        answers = self._index.knnQueryBatch(padded, k=min(k, len(self.rows)), num_threads=1)
        for line, (found, _) in zip(candidates, answers, strict=True):
            line[: len(found)] = found
        return rescore(self.rows, queries, candidates, k)


def _equally_long(rows: Float32) -> Float32:
    """Append the coordinate that gives each row the length of the longest.

    First the popularity prior, the last column, is lowered so that its maximum is 0. That takes the
    same from every score of a query, so the ranking stays, and the lengths differ less: otherwise
    the new coordinate dominates the others, and recall@100 on the demo data falls by .05.
    """
    lowered = rows.copy()
    lowered[:, -1] -= rows[:, -1].max()
    squares = np.einsum("nd,nd->n", lowered, lowered, dtype=np.float64)
    missing = np.sqrt(squares.max() - squares).astype(np.float32)
    return np.column_stack([lowered, missing])


def _new_index() -> Any:
    return _library().init(method="hnsw", space="cosinesimil")


def _library() -> Any:
    """Import the optional library without the banner that it prints."""
    try:
        with _silent():
            import nmslib
    except ImportError as error:
        raise RetrievalError("nmslib is not installed: pip install 'rtt2vec[nmslib]'") from error
    return nmslib


@contextmanager
def _silent() -> Iterator[None]:
    """Discard what native code writes to standard error."""
    sys.stderr.flush()
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
