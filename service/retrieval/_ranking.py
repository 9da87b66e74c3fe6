"""Ranking by score, ties by item index, as one sort of integers.

A float32 score and a row index fit one int64 *key* whose ascending order is the ranking. NumPy
sorts and partitions integers with vector instructions, and a partition of keys, unlike one of
scores, also knows which of two equal scores comes first.
"""

from typing import Any, cast

import faiss
import numpy as np
import numpy.typing as npt

from service.retrieval._interface import Found, RetrievalError

__all__ = ["as_keys", "best_keys", "rescore", "rows_of"]

Keys = npt.NDArray[np.int64]

_MAGNITUDE = np.int32(0x7FFFFFFF)
_ROW = np.int64(0xFFFFFFFF)


def as_keys(scores: npt.NDArray[np.float32], rows: npt.NDArray[np.int64]) -> Keys:
    """Return one key per score: its order, reversed, in the high bits, the row in the low ones.

    The bits of a float sort like those of an integer, only that negative floats sort backwards.
    """
    bits = (scores + np.float32(0)).view(np.int32)  # adding 0 makes -0 and 0 tie
    order = bits ^ ((bits >> 31) & _MAGNITUDE)
    return (~order).astype(np.int64) << 32 | (rows & _ROW)


def rows_of(keys: Keys) -> npt.NDArray[np.int64]:
    """Return the row indices in the keys."""
    return keys & _ROW


def best_keys(keys: Keys, k: int) -> Keys:
    """Return the k smallest keys of each line, unordered; all of them if there are no more."""
    return np.partition(keys, k - 1, axis=1)[:, :k] if k < keys.shape[1] else keys


def rescore(
    rows: npt.NDArray[np.float32],
    queries: npt.NDArray[np.float32],
    candidates: npt.NDArray[np.int64],
    k: int,
) -> Found:
    """Rank candidates, int64 (n, c) with -1 for none, by exact inner product; keep the best k.

    Every backend ends here. Each pair is multiplied on its own, so that a score does not depend
    on which other queries share the batch, as it does in the last bits of a matrix product.

    Raises:
        RetrievalError: a candidate that is no row, as the index of other rows would name.
    """
    if candidates.max(initial=-1) >= len(rows):
        raise RetrievalError(f"index: expected rows below {len(rows)}, found {candidates.max()}")
    missing = max(0, k - candidates.shape[1])
    candidates = np.pad(candidates, ((0, 0), (0, missing)), constant_values=-1)
    keys = as_keys(_inner_products(rows, queries, candidates), candidates)
    keys = np.sort(best_keys(keys, k), axis=1)
    return _scores_of(keys), rows_of(keys).astype(np.int32)


def _inner_products(
    rows: npt.NDArray[np.float32],
    queries: npt.NDArray[np.float32],
    candidates: npt.NDArray[np.int64],
) -> npt.NDArray[np.float32]:
    """Multiply each query with its candidates where they lie; a candidate of -1 gives -inf."""
    products = np.empty(candidates.shape, np.float32)
    faiss.omp_set_num_threads(1)  # a setting of the calling thread
    cast(Any, faiss).fvec_inner_products_by_idx(  # the stubs of faiss leave it out
        faiss.swig_ptr(products),
        faiss.swig_ptr(queries),
        faiss.swig_ptr(rows),
        faiss.swig_ptr(candidates),
        rows.shape[1],
        *candidates.shape,
    )
    return products


def _scores_of(keys: Keys) -> npt.NDArray[np.float32]:
    order = ~(keys >> 32).astype(np.int32)
    return (order ^ ((order >> 31) & _MAGNITUDE)).view(np.float32)
