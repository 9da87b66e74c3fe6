"""Approximate search with FAISS: rotation, 4-bit product quantisation, then exact scores.

*Rotation.* The rows are rotated to their principal axes; those that hold `variance_percent` of the
variance are kept: half of them if p_i and q_i of an item are similar, else nearly all. A second,
random rotation distributes the variance evenly, so that all codes matter equally (as in optimised
product quantisation: Ge et al., CVPR 2013).

*Codes.* A rotated row is cut into short pieces, and each piece is replaced by the nearest of 16
learned ones. Then 16 partial products per piece, in vector registers, score the whole catalogue
(FAISS calls it FastScan). Unlike a graph, this works for inner products, which are no metric.

*Lists.* From about 50,000 items on it is faster to group the rows and to scan only the `probes`
groups whose centres have the largest inner product with the query. Then the codes are of the
difference between a row and its centre: it is shorter than the row, so fewer codes will do.

*Exact scores.* These scores are coarse, so `k_factor` times as many candidates as needed are
rescored from the rows of the bundle, which all workers of a machine share by a memory map. The
index holds only the codes, half a byte per piece; FAISS cannot map them, so each worker has a copy.
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
from service.support.arrays.array_types import Float32

_FILE = "index.faiss"
_BITS = 4
_CENTROIDS = 1 << _BITS
_SEED = 1
_SAMPLE = 50_000  # rows from which the axes are computed
# The codes are learned from the first third of the rows: the best sellers are most of the answers.
_HEAD = 3
# Rows per list from which its centre is computed.
_MEMBERS = 64
# FAISS's number for scanning a list for all queries at once, the fastest way on one thread.
_LIST_BY_LIST = 13
# Parameters of indices from before these could be chosen.
_BEFORE = {"variance_percent": 100, "lists": 0}


class FaissParameters(Parameters):
    """Fineness of the codes, number of rows scanned, and number of candidates rescored."""

    variance_percent: int = Field(default=97, ge=1, le=100, description="kept of the rows")
    dims_per_code: int = Field(default=1, ge=1, description="dimensions per 4-bit code")
    lists: int = Field(default=0, ge=0, description="groups of rows; 0: all rows are scanned")
    probes: int = Field(default=1, ge=1, description="groups scanned per query")
    k_factor: int = Field(default=3, ge=1, description="candidates rescored per item asked for")


class Faiss:
    """`IndexPQFastScan` or `IndexIVFPQFastScan` by inner product, rescored from the rows."""

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
        """Read the codes.

        Raises:
            RetrievalError: they are of other rows or other parameters.
        """
        rows, chosen = checked_rows(rows), FaissParameters.of({**_BEFORE, **parameters})
        index = faiss.read_index(str(directory / _FILE))
        found = f"{_FILE}: expected an index of {rows.shape} rows with {chosen.model_dump()}, found"
        # Older indices have no rotation; zeros fill their rows up to a whole number of pieces.
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
        else:  # a tiny catalogue, of which FastScan would lose the row with the lowest code
            everything = np.arange(len(self.rows))
            candidates = np.tile(everything, (len(queries), 1))
        return rescore(self.rows, queries, candidates, k)


def _turn(rows: Float32, share: float, dims_per_code: int) -> faiss.LinearTransform:
    """The rotation to the dimensions, a whole number of pieces, that hold this share of variance.

    The mean of the rows is not subtracted: it adds the same to every score of a query.
    """
    sample = rows[:: -(-len(rows) // _SAMPLE)]
    spread = sample - sample.mean(axis=0)
    variances, axes = np.linalg.eigh((spread.T @ spread).astype(np.float64))
    variances, axes = variances[::-1], axes[:, ::-1].T  # the widest first
    kept = int(np.searchsorted(np.cumsum(variances), share * variances.sum())) + 1
    pieces = -(-min(kept, len(axes)) // dims_per_code)
    pieces += pieces % 2  # FastScan looks up two codes at a time
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
    """The codes in lists: rows go to the nearest centre, queries to the largest inner products.

    FAISS would use the inner product for both, and put all rows into the lists of long centres.
    One table of partial products still serves all lists of a query: the product of query and
    centre, known from the choice of the lists, is added to the scores of a list.
    """
    width = turned.shape[1]
    nearest, best = faiss.IndexFlatL2(width), faiss.IndexFlatIP(width)
    # The rows are in order of popularity: a regular sample has as many of each kind.
    sample = np.ascontiguousarray(turned[:: max(1, len(turned) // (_MEMBERS * chosen.lists))])
    groups = faiss.Kmeans(width, chosen.lists, niter=10, seed=_SEED)
    groups.cp.min_points_per_centroid = 1
    groups.cp.max_points_per_centroid = 2 * _MEMBERS
    groups.train(sample)
    # Lists of best sellers come first: the scan then rejects most later rows at once.
    member = groups.assign(sample)[1]
    size = np.bincount(member, minlength=chosen.lists).clip(1)
    place = np.bincount(member, np.arange(len(sample)), chosen.lists) / size
    centres = np.asarray(groups.centroids)[np.argsort(place, kind="stable")]
    nearest.add(centres)
    best.add(centres)
    index = faiss.IndexIVFPQFastScan(
        nearest, width, chosen.lists, width // chosen.dims_per_code, _BITS,
        faiss.METRIC_INNER_PRODUCT,
    )  # fmt: skip
    index.by_residual = True
    _learn(index, index.pq, turned)
    index.add(turned)
    index.quantizer = best
    return index


def _learn(index: faiss.Index, codes: faiss.ProductQuantizer, turned: Float32) -> None:
    codes.cp.niter = 10  # more do not raise the recall
    codes.cp.min_points_per_centroid = 1  # no warning for a tiny catalogue
    head = turned[: max(_CENTROIDS, len(turned) // _HEAD)]
    index.train(np.resize(head, (max(len(head), _CENTROIDS), turned.shape[1])))


def _made_with(index: faiss.Index) -> tuple[int, int]:
    """Dimensions per code, and number of lists, of an index."""
    index = _codes_of(index)
    if isinstance(index, faiss.IndexIVFPQFastScan):
        return index.pq.dsub, index.nlist
    return (index.pq.dsub, 0) if isinstance(index, faiss.IndexPQFastScan) else (0, 0)


def _codes_of(index: faiss.Index) -> Any:
    """The index behind the rotation, if there is one."""
    if isinstance(index, faiss.IndexPreTransform):
        return faiss.downcast_index(index.index)
    return index


def _widened(vectors: Float32, width: int) -> Float32:
    """Append zeros, which change no inner product, up to this width."""
    if vectors.shape[1] == width:
        return vectors
    wide = np.zeros((len(vectors), width), np.float32)
    wide[:, : vectors.shape[1]] = vectors
    return wide
