"""Past baskets: the training baskets once more, by user."""

from dataclasses import dataclass

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets


@dataclass(frozen=True)
class PastBaskets:
    """Baskets by user and then by time, in the layout of `service.bundle.arrays`."""

    indptr: Int64
    begun: Int64
    item_indptr: Int64
    item: Int32


def past_baskets(baskets: EncodedBaskets, n_users: int) -> PastBaskets:
    """Sorts the baskets by user; those of one user keep their order."""
    order = np.argsort(baskets.basket_user, kind="stable")
    sizes = baskets.basket_sizes[order]
    item_indptr = offsets(sizes)
    # Each line moves by as much as its basket does.
    moved = np.repeat(baskets.basket_indptr[:-1][order] - item_indptr[:-1], sizes)
    return PastBaskets(
        indptr=np.searchsorted(baskets.basket_user[order], np.arange(n_users + 1)).astype(np.int64),
        begun=baskets.basket_begun[order],
        item_indptr=item_indptr,
        item=baskets.basket_items[np.arange(len(moved)) + moved],
    )
