"""Approximate search with FAISS: rotation, 4-bit product quantisation, then exact scores.

*Rotation.* The rows are turned to their principal axes, of which those that hold
`variance_percent` of the variance are kept: p_i and q_i of an item resemble each other, so half of
the axes do. A second, random rotation spreads what is left evenly, so that every code says as much
as any other (as in optimised product quantisation: Ge et al., CVPR 2013).

*Codes.* A turned row is cut into short pieces, and each piece is replaced by the nearest of 16
learned ones, so that 16 partial products per piece, held in vector registers, score the whole
catalogue (FAISS calls it FastScan). Unlike a graph, it does not mind that the inner product is no
metric.

*Lists.* From about a hundred thousand items on it pays to group the rows and to scan only the
`probes` groups whose centres answer a query best.

*Exact scores.* All that is coarse: `k_factor` times as many candidates as asked for are rescored
from the rows of the bundle, which all workers of a machine share through one memory map. The index
itself holds the codes alone, half a byte per piece; FAISS cannot map those, each worker reads them.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from pydantic import Field

from service.retrieval._interface import Found, RetrievalError, checked_queries, checked_rows
from service.retrieval._parameters import Parameters
from service.retrieval._ranking import rescore
from service.support.array_types import Float32

__all__ = ["Faiss"]


_FILE = "index.faiss"
_BITS = 4
_CENTROIDS = 1 << _BITS
_SEED = 1
_SAMPLE = 50_000  # rows that the axes are found from
# The best sellers, which come first, are most of what is ever found: the codes are learned there.
_HEAD = 3
# FAISS may split a batch among threads; on one, all queries of a list at once are quicker.
_LIST_BY_LIST = 13
# What an index was made with before there was a choice.
_BEFORE = {"variance_percent": 100, "lists": 0}


class FaissParameters(Parameters):
    """How finely the rows are coded, how many are scanned, and how far the codes are trusted."""

    variance_percent: int = Field(default=97, ge=1, le=100, description="kept of the rows")
    dims_per_code: int = Field(default=1, ge=1, description="dimensions per 4-bit code")
    lists: int = Field(default=0, ge=0, description="groups of rows; 0: all rows are scanned")
    probes: int = Field(default=1, ge=1, description="groups scanned per query")
    k_factor: int = Field(default=3, ge=1, description="candidates rescored per item asked for")


class Faiss:
    """`IndexPQFastScan` or `IndexIVFPQFastScan` by inner product, refined from the rows."""

    name: ClassVar[str] = "faiss"
    files: ClassVar[tuple[str, ...]] = (_FILE,)

    def __init__(self, rows: Float32, index: faiss.Index, parameters: FaissParameters) -> None:
        self.rows = rows
        self.parameters: dict[str, int] = parameters.model_dump()
        self._index = index
        self._k_factor = parameters.k_factor
        if parameters.lists:
            lists = _codes_of(index)
            lists.nprobe, lists.implem = parameters.probes, _LIST_BY_LIST

    @classmethod
    def build(cls, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """Learn the codes and encode the rows; the same rows always give the same index."""
        rows, chosen = checked_rows(rows), FaissParameters.of(parameters)
        if chosen.lists > len(rows):
            raise RetrievalError(f"lists: expected {len(rows)} at most, found {chosen.lists}")
        faiss.omp_set_num_threads(1)
        turn = _turn(rows, chosen.variance_percent / 100, chosen.dims_per_code)
        turned = turn.apply(rows)
        index = _lists(turned, chosen) if chosen.lists else _codes(turned, chosen)
        return cls(rows, faiss.IndexPreTransform(turn, index), chosen)

    @classmethod
    def load(cls, directory: Path, rows: Float32, parameters: Mapping[str, int]) -> Self:
        """Read the codes; refuse those of other rows."""
        rows, chosen = checked_rows(rows), FaissParameters.of({**_BEFORE, **parameters})
        index = faiss.read_index(str(directory / _FILE))
        found = f"{_FILE}: expected an index of {rows.shape} rows with {chosen.model_dump()}, found"
        # Before there was a rotation, the rows were widened to a whole number of pieces.
        surplus = chosen.dims_per_code if isinstance(index, faiss.IndexPQFastScan) else 1
        if index.ntotal != len(rows) or not 0 <= index.d - rows.shape[1] < surplus:
            raise RetrievalError(f"{found} {index.ntotal} rows of {index.d} dimensions")
        if (made := _made_with(index)) != (chosen.dims_per_code, chosen.lists):
            raise RetrievalError(f"{found} dims_per_code {made[0]}, lists {made[1]}")
        return cls(rows, index, chosen)

    def save(self, directory: Path) -> None:
        """Write the codes."""
        faiss.write_index(self._index, str(directory / _FILE))

    def search(self, queries: Float32, k: int) -> Found:
        """See `Retrieval.search`; scans the codes on one thread."""
        queries = checked_queries(queries, self.rows.shape[1], k)
        faiss.omp_set_num_threads(1)  # a setting of the calling thread
        wanted = k * self._k_factor
        if wanted < len(self.rows):
            _, candidates = self._index.search(_widened(queries, self._index.d), wanted)
        else:  # a tiny catalogue: score it all, where FastScan would drop the row it codes lowest
            everything = np.arange(len(self.rows))
            candidates = np.tile(everything, (len(queries), 1))
        return rescore(self.rows, queries, candidates, k)


def _turn(rows: Float32, share: float, dims_per_code: int) -> faiss.LinearTransform:
    """The rotation to (a whole number of pieces) dimensions that hold this share of the variance.

    What the rows have in common is not taken off: it adds the same to every score of a query.
    """
    sample = rows[:: -(-len(rows) // _SAMPLE)]
    spread = sample - sample.mean(axis=0)
    variances, axes = np.linalg.eigh((spread.T @ spread).astype(np.float64))
    variances, axes = variances[::-1], axes[:, ::-1].T  # the widest first
    kept = int(np.searchsorted(np.cumsum(variances), share * variances.sum())) + 1
    pieces = -(-min(kept, len(axes)) // dims_per_code)
    pieces += pieces % 2  # FastScan looks two codes up at a time
    width = pieces * dims_per_code
    mix = np.linalg.qr(np.random.default_rng(_SEED).standard_normal((width, width))).Q
    turned = mix[:, : len(axes)] @ axes[:width]
    turn = faiss.LinearTransform(rows.shape[1], width)
    faiss.copy_array_to_vector(turned.astype(np.float32).ravel(), turn.A)
    turn.is_trained = True
    return turn


def _codes(turned: Float32, chosen: FaissParameters) -> faiss.Index:
    """The codes of all rows, one after the other."""
    width = turned.shape[1]
    index = faiss.IndexPQFastScan(
        width, width // chosen.dims_per_code, _BITS, faiss.METRIC_INNER_PRODUCT
    )
    _learn(index, index.pq, turned)
    index.add(turned)
    return index


def _lists(turned: Float32, chosen: FaissParameters) -> faiss.Index:
    """The codes in lists: a row belongs to the nearest centre, a query to the best answers.

    FAISS would take the inner product for both, and put all rows on the longest centres.
    """
    width = turned.shape[1]
    nearest, best = faiss.IndexFlatL2(width), faiss.IndexFlatIP(width)
    groups = faiss.Kmeans(width, chosen.lists, niter=10, seed=_SEED, max_points_per_centroid=256)
    groups.cp.min_points_per_centroid = 1
    groups.train(turned)
    # Lists of best sellers are scanned first: most of what comes later is then turned away at once.
    member = groups.assign(turned)[1]
    size = np.bincount(member, minlength=chosen.lists).clip(1)
    place = np.bincount(member, np.arange(len(turned)), chosen.lists) / size
    centres = np.asarray(groups.centroids)[np.argsort(place, kind="stable")]
    nearest.add(centres)
    best.add(centres)
    index = faiss.IndexIVFPQFastScan(
        nearest, width, chosen.lists, width // chosen.dims_per_code, _BITS,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    index.by_residual = False  # so that one table of partial products serves all lists
    _learn(index, index.pq, turned)
    index.add(turned)
    index.quantizer = best
    return index


def _learn(index: faiss.Index, codes: faiss.ProductQuantizer, turned: Float32) -> None:
    codes.cp.niter = 10  # more find no more
    codes.cp.min_points_per_centroid = 1  # a tiny catalogue is no reason to warn
    head = turned[: max(_CENTROIDS, len(turned) // _HEAD)]
    index.train(np.resize(head, (max(len(head), _CENTROIDS), turned.shape[1])))


def _made_with(index: faiss.Index) -> tuple[int, int]:
    """Dimensions per code, and lists, of an index that was read."""
    index = _codes_of(index)
    if isinstance(index, faiss.IndexIVFPQFastScan):
        return index.pq.dsub, index.nlist
    return (index.pq.dsub, 0) if isinstance(index, faiss.IndexPQFastScan) else (0, 0)


def _codes_of(index: faiss.Index) -> Any:
    """What is behind the rotation, if there is one."""
    if isinstance(index, faiss.IndexPreTransform):
        return faiss.downcast_index(index.index)
    return index


def _widened(vectors: Float32, width: int) -> Float32:
    """Append zeros, which change no inner product, up to a whole number of pieces."""
    if vectors.shape[1] == width:
        return vectors
    wide = np.zeros((len(vectors), width), np.float32)
    wide[:, : vectors.shape[1]] = vectors
    return wide
