"""Approximate search with FAISS: 4-bit product quantisation, then exact scores.

A row is cut into short pieces, and each piece is replaced by the nearest of 16 learned ones, so
that 16 partial products per piece, held in vector registers, score the whole catalogue (FAISS calls
it FastScan). That is coarse: `k_factor` times as many candidates as asked for are taken from it
and rescored with the rows themselves. Unlike a graph, it does not mind that the inner product is
no metric.

The index holds the codes alone, half a byte per piece. The candidates are rescored from the rows
of the bundle, which all workers of a machine share through one memory map.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Self

import faiss
import numpy as np
import numpy.typing as npt
from pydantic import Field

from service.retrieval._interface import Found, RetrievalError, checked_queries, checked_rows
from service.retrieval._parameters import Parameters
from service.retrieval._ranking import rescore

__all__ = ["Faiss"]

_FILE = "index.faiss"
_BITS = 4
_CENTROIDS = 1 << _BITS


class FaissParameters(Parameters):
    """How finely the rows are coded, and how far the codes are trusted."""

    dims_per_code: int = Field(default=2, ge=1, description="dimensions per 4-bit code")
    k_factor: int = Field(default=6, ge=1, description="candidates rescored per item asked for")


class Faiss:
    """`IndexPQFastScan` by inner product, refined from the rows."""

    name: ClassVar[str] = "faiss"
    files: ClassVar[tuple[str, ...]] = (_FILE,)

    def __init__(
        self, rows: npt.NDArray[np.float32], index: faiss.Index, parameters: FaissParameters
    ) -> None:
        self.rows = rows
        self.parameters: dict[str, int] = parameters.model_dump()
        self._index = index
        self._k_factor = parameters.k_factor

    @classmethod
    def build(cls, rows: npt.NDArray[np.float32], parameters: Mapping[str, int]) -> Self:
        """Learn the codes and encode the rows; the same rows always give the same index."""
        rows, chosen = checked_rows(rows), FaissParameters.of(parameters)
        pieces = -(-rows.shape[1] // chosen.dims_per_code)
        padded = _widened(rows, pieces * chosen.dims_per_code)
        index = faiss.IndexPQFastScan(padded.shape[1], pieces, _BITS, faiss.METRIC_INNER_PRODUCT)
        index.pq.cp.min_points_per_centroid = 1  # a tiny catalogue is no reason to warn
        index.train(np.resize(padded, (max(len(padded), _CENTROIDS), padded.shape[1])))
        index.add(padded)
        return cls(rows, index, chosen)

    @classmethod
    def load(
        cls, directory: Path, rows: npt.NDArray[np.float32], parameters: Mapping[str, int]
    ) -> Self:
        """Read the codes; refuse those of other rows."""
        rows, chosen = checked_rows(rows), FaissParameters.of(parameters)
        index = faiss.read_index(str(directory / _FILE))
        if index.ntotal != len(rows) or not 0 <= index.d - rows.shape[1] < chosen.dims_per_code:
            found = f"{index.ntotal} rows of {index.d} dimensions"
            raise RetrievalError(f"{_FILE}: expected an index of {rows.shape} rows, found {found}")
        return cls(rows, index, chosen)

    def save(self, directory: Path) -> None:
        """Write the codes."""
        faiss.write_index(self._index, str(directory / _FILE))

    def search(self, queries: npt.NDArray[np.float32], k: int) -> Found:
        """See `Retrieval.search`; scans all codes, on one thread."""
        queries = checked_queries(queries, self.rows.shape[1], k)
        faiss.omp_set_num_threads(1)  # a setting of the calling thread
        wanted = k * self._k_factor
        if wanted < len(self.rows):
            _, candidates = self._index.search(_widened(queries, self._index.d), wanted)
        else:  # a tiny catalogue: score it all, where FastScan would drop the row it codes lowest
            everything = np.arange(len(self.rows))
            candidates = np.tile(everything, (len(queries), 1))
        return rescore(self.rows, queries, candidates, k)


def _widened(vectors: npt.NDArray[np.float32], width: int) -> npt.NDArray[np.float32]:
    """Append zeros, which change no inner product, up to a whole number of pieces."""
    wide = np.zeros((len(vectors), width), np.float32)
    wide[:, : vectors.shape[1]] = vectors
    return wide
