"""Ranking by score, ties by item index, as one sort of integers.

A float32 score and a row index fit one int64 *key* whose ascending order is the ranking. NumPy
sorts and partitions integers with vector instructions, and a partition of keys, unlike one of
scores, also knows which of two equal scores comes first.

What goes over every score is compiled: for the few hundred candidates of a query, a chain of NumPy
calls takes longer than the products themselves.
"""

import numba
import numpy as np

from service.retrieval._interface import Found, RetrievalError
from service.support.array_types import Float32, Int64

__all__ = ["as_keys", "best_keys", "rescore", "rows_of"]


_MAGNITUDE = np.int32(0x7FFFFFFF)
_ROW = np.int64(0xFFFFFFFF)


@numba.njit(nogil=True, cache=True)
def as_keys(scores: Float32, first_row: int) -> Int64:
    """Return one key per score, float32 (n, c), of c rows that follow each other."""
    keys = np.empty(scores.shape, np.int64)
    for line in range(scores.shape[0]):
        for place in range(scores.shape[1]):
            keys[line, place] = _key(scores[line, place], first_row + place)
    return keys


@numba.njit(nogil=True, cache=True)
def _key(score: np.float32, row: int) -> np.int64:
    """The score's order, reversed, in the high bits, the row in the low ones.

    The bits of a float sort like those of an integer, only that negative floats sort backwards.
    """
    bits = np.float32(score + np.float32(0)).view(np.int32)  # adding 0 makes -0 and 0 tie
    order = bits ^ ((bits >> np.int32(31)) & _MAGNITUDE)
    return np.int64(~order) << np.int64(32) | (np.int64(row) & _ROW)


def rows_of(keys: Int64) -> Int64:
    """Return the row indices in the keys."""
    return keys & _ROW


def best_keys(keys: Int64, k: int) -> Int64:
    """Return the k smallest keys of each line, unordered; all of them if there are no more."""
    return np.partition(keys, k - 1, axis=1)[:, :k] if k < keys.shape[1] else keys


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
    return _unpacked(keys[:, :k])


@numba.njit(nogil=True, cache=True)
def _exact_keys(rows: Float32, queries: Float32, candidates: Int64) -> Int64:
    """Multiply each query with its candidates where they lie; a candidate of -1 gives -inf."""
    keys = np.empty(candidates.shape, np.int64)
    for line in range(candidates.shape[0]):
        for place in range(candidates.shape[1]):
            row = candidates[line, place]
            score = np.float32(-np.inf) if row < 0 else _inner_product(queries[line], rows[row])
            keys[line, place] = _key(score, row)
    return keys


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def _inner_product(a: Float32, b: Float32) -> np.float32:
    product = np.float32(0)
    for column in range(len(a)):
        product += a[column] * b[column]
    return product


@numba.njit(nogil=True, cache=True)
def _unpacked(keys: Int64) -> Found:
    """Return the scores and the rows, int32, of keys in order; the inverse of `as_keys`."""
    order = np.empty(keys.shape, np.int32)
    rows = np.empty(keys.shape, np.int32)
    for line in range(keys.shape[0]):
        for place in range(keys.shape[1]):
            key = keys[line, place]
            bits = np.int32(~(key >> 32))
            order[line, place] = bits ^ ((bits >> np.int32(31)) & _MAGNITUDE)
            rows[line, place] = np.int32(key & _ROW)
    return order.view(np.float32), rows
