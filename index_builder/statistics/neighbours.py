"""Neighbours: the items that are bought together with each item, by their cosine."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from index_builder.transactions.encoded.basket_matrix import basket_matrix, co_purchase_blocks
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets

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
    """Counts pairs and keeps, of each item, the `limit` neighbours with the largest cosine.

    Of equal cosines, the smaller item index comes first.
    """
    rows = list(_rows(encoded, limit))
    return Neighbours(
        indptr=offsets([len(items) for items, _ in rows]),
        item=np.concatenate([items for items, _ in rows]).astype(np.int32),
        count=np.concatenate([counts for _, counts in rows]).astype(np.int32),
    )


def _rows(encoded: EncodedTransactions, limit: int) -> Iterator[tuple[Int32, Int32]]:
    """The neighbours of each item, ascending, and the baskets with both."""
    baskets = basket_matrix(encoded.basket_indptr, encoded.basket_items, encoded.n_items, np.int32)
    for block, together in co_purchase_blocks(baskets, _BLOCK_ITEMS):
        for row, span in enumerate(pairwise(together.indptr)):
            items, counts = together.indices[slice(*span)], together.data[slice(*span)]
            other = items != block.start + row
            items, counts = items[other], counts[other]
            # The square of the cosine, which has no rounded root, without the row's own norm.
            square = counts.astype(np.float64) ** 2 / encoded.item_count[items]
            best = np.sort(np.argsort(-square, kind="stable")[:limit])
            yield items[best], counts[best]
