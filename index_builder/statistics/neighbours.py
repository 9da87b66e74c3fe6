"""Neighbours: the items most often bought together with each item (pair rules)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csr_array

from index_builder.transactions.encoding import EncodedTransactions
from service.support.array_types import Int32, Int64

__all__ = ["Neighbours", "neighbours"]

_BLOCK_ITEMS = 2048  # rows of the co-purchase matrix that are in memory at once


@dataclass(frozen=True)
class Neighbours:
    """Row i, `indptr[i]:indptr[i + 1]`: the neighbours of item i and the baskets with both.

    Support is count / baskets, confidence count / baskets with i; see `service.bundle.arrays`.
    """

    indptr: Int64
    item: Int32
    count: Int32


def neighbours(encoded: EncodedTransactions, limit: int) -> Neighbours:
    """Counts pairs and keeps, of each item, the `limit` neighbours with the largest cosine."""
    shape = (encoded.n_baskets, encoded.n_items)
    ones = np.ones(len(encoded.basket_items), np.int32)
    baskets = csr_array((ones, encoded.basket_items, encoded.basket_indptr), shape=shape)
    rows = list(_rows(baskets, encoded.item_count, limit))
    sizes = [len(items) for items, _ in rows]
    return Neighbours(
        indptr=np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)]),
        item=np.concatenate([items for items, _ in rows]).astype(np.int32),
        count=np.concatenate([counts for _, counts in rows]).astype(np.int32),
    )


def _rows(baskets: csr_array, item_count: Int32, limit: int) -> Iterator[tuple[Int32, Int32]]:
    by_item = baskets.T.tocsr()
    for start in range(0, by_item.shape[0], _BLOCK_ITEMS):
        together = (by_item[start : start + _BLOCK_ITEMS] @ baskets).tocsr()
        for row in range(together.shape[0]):
            span = slice(*together.indptr[row : row + 2])
            items, counts = together.indices[span], together.data[span]
            other = items != start + row
            items, counts = items[other], counts[other]
            if len(items) > limit:
                # The cosine but for the row's own norm, which orders nothing.
                cosine = counts / np.sqrt(item_count[items])
                best = np.argpartition(-cosine, limit)[:limit]
                items, counts = items[best], counts[best]
            order = np.argsort(items)
            yield items[order], counts[order]
