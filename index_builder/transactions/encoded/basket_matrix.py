"""Baskets as a sparse matrix, and how many baskets hold two items."""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from service.support.arrays.array_types import Int32, Int64

BLOCK_LINES = 1 << 24


def basket_matrix(
    indptr: Int64, items: Int32, n_items: int, dtype: npt.DTypeLike = np.float32
) -> csr_array:
    """Returns a matrix of ones, (n_baskets, n_items).

    Args:
        indptr: (n_baskets + 1,) where each basket starts.
        items: distinct item indices of each basket, ascending.
        n_items: the item indices are below it.
        dtype: of the ones.
    """
    # SciPy would widen the items to the type of the offsets, which takes twice the memory.
    kind = items.dtype if indptr[-1] <= np.iinfo(items.dtype).max else indptr.dtype
    places = items.astype(kind, copy=False), indptr.astype(kind, copy=False)
    return csr_array((np.ones(len(items), dtype), *places), shape=(len(indptr) - 1, n_items))


def item_counts(items: Int32, n_items: int) -> Int64:
    """(n_items,) number of baskets with each item, of the items of all baskets."""
    counts = np.zeros(n_items, np.int64)
    for start in range(0, len(items), BLOCK_LINES):  # which NumPy makes a wider copy of
        counts += np.bincount(items[start : start + BLOCK_LINES], minlength=n_items)
    return counts


def co_purchase_blocks(baskets: csr_array, block_items: int) -> Iterator[tuple[slice, csr_array]]:
    """Yields the matrix of the baskets with both of two items, some rows at a time.

    Args:
        baskets: (n_baskets, n_items), as `basket_matrix` returns it.
        block_items: number of rows that are in memory at once.

    Yields:
        Which items the rows belong to, and the rows, (items, n_items), in canonical format.
    """
    by_item = baskets.T.tocsr()
    for start in range(0, by_item.shape[0], block_items):
        block = slice(start, start + block_items)
        rows = (by_item[block] @ baskets).tocsr()
        rows.sort_indices()
        yield block, rows
