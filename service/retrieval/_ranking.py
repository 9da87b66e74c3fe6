"""Ranking of rows by their inner products with queries, exact and best first.

What goes over every score is compiled: for the few hundred candidates of a query, a chain of NumPy
calls takes longer than the products themselves.
"""

from typing import Annotated

import numba
import numpy as np

from service.retrieval._interface import Found, RetrievalError
from service.support.arrays.array_types import Float32, Int64
from service.support.arrays.rank_keys import rank_key, unpack
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout


@compiled()
def as_keys(scores: Annotated[Float32, Layout(axes=2)], first_row: int) -> Int64:
    """Return one key per score, float32 (n, c), of c rows that follow each other."""
    keys = np.empty(scores.shape, np.int64)
    for line in range(scores.shape[0]):
        for place in range(scores.shape[1]):
            keys[line, place] = rank_key(scores[line, place], first_row + place)
    return keys


def rescore(rows: Float32, queries: Float32, candidates: Int64, k: int) -> Found:
    """Rank candidates, int64 (n, c) with -1 for none, by exact inner product; keep the best k.

    Every backend ends here. Each pair is multiplied on its own, so that a score does not depend
    on which other queries share the batch, as it does in the last bits of a matrix product.

    Raises:
        RetrievalError: a candidate that is no row, as the index of other rows would name.
    """
    if candidates.max(initial=-1) >= len(rows):
        raise RetrievalError(f"index: expected rows below {len(rows)}, found {candidates.max()}")
    missing = max(0, k - candidates.shape[1])
    if missing:
        candidates = np.pad(candidates, ((0, 0), (0, missing)), constant_values=-1)
    keys = _exact_keys(rows, queries, candidates)
    keys.sort(axis=1)
    return unpack(np.ascontiguousarray(keys[:, :k]))


@numba.njit(fastmath={"reassoc", "contract"})
def _inner_product(a: Float32, b: Float32) -> np.float32:
    product = np.float32(0)
    for column in range(len(a)):
        product += a[column] * b[column]
    return product


@compiled()
def _exact_keys(
    rows: Annotated[Float32, Layout(axes=2)],
    queries: Annotated[Float32, Layout(axes=2)],
    candidates: Annotated[Int64, Layout(axes=2)],
) -> Int64:
    """Multiply each query with its candidates where they lie; a candidate of -1 gives -inf."""
    keys = np.empty(candidates.shape, np.int64)
    for line in range(candidates.shape[0]):
        for place in range(candidates.shape[1]):
            row = candidates[line, place]
            score = np.float32(-np.inf) if row < 0 else _inner_product(queries[line], rows[row])
            keys[line, place] = rank_key(score, row)
    return keys
