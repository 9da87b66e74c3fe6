"""Past baskets: the training baskets once more, by user."""

from dataclasses import dataclass

import numpy as np

from index_builder.transactions.encoded.by_user import user_ranges
from index_builder.transactions.encoded.encoding import EncodedBaskets
from index_builder.transactions.encoded.scratch import scratch
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
    item = scratch(len(baskets.basket_items), np.int32)
    begun, sizes = (scratch(baskets.n_baskets, np.int64) for _ in range(2))
    counts, n_baskets, n_lines = np.zeros(n_users, np.int64), 0, 0
    for some in user_ranges(baskets, n_users):
        counts[some.users] = np.bincount(some.user, minlength=some.users.stop - some.users.start)
        place = slice(n_baskets, n_baskets + len(some.user))
        begun[place], sizes[place] = some.begun, some.sizes
        item[n_lines : n_lines + len(some.items)] = some.items
        n_baskets, n_lines = place.stop, n_lines + len(some.items)
    return PastBaskets(offsets(counts), begun, offsets(sizes), item)
