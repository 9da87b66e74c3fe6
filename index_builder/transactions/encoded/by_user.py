"""Baskets by user: those of a range of users at a time, each user's in the order of time."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets

BLOCK_LINES = 1 << 22  # that are in memory at once


class UserRange(NamedTuple):
    """The baskets of a range of users.

    Attributes:
        users: the range.
        user: (n_baskets,) int64, which of them each basket belongs to, from 0; ascending.
        begun: (n_baskets,) int64, seconds since 1970, UTC; ascending for one user.
        sizes: (n_baskets,) int64, number of items.
        items: (n_lines,) int32, one basket behind the other, ascending for one basket.
    """

    users: slice
    user: Int64
    begun: Int64
    sizes: Int64
    items: Int32

    @property
    def line_basket(self) -> Int64:
        """(n_lines,) the basket of each line."""
        return np.repeat(np.arange(len(self.user)), self.sizes)


def user_ranges(baskets: EncodedBaskets, n_users: int) -> Iterator[UserRange]:
    """Yields the baskets of all users, some four million lines at a time.

    Args:
        baskets: of users below n_users.
        n_users: number of users.
    """
    order = np.argsort(baskets.basket_user, kind="stable")
    sizes = baskets.basket_sizes[order]
    lines = offsets(sizes)
    begins = np.searchsorted(baskets.basket_user[order], np.arange(n_users + 1))
    of_users = lines[begins]  # where the lines of each user begin
    first = 0
    while first < n_users:
        end = int(np.searchsorted(of_users, of_users[first] + BLOCK_LINES, "right")) - 1
        last = min(max(end, first + 1), n_users)
        some = slice(begins[first], begins[last])
        # Each line moves by as much as its basket does.
        starts = lines[some] - of_users[first]
        moved = np.repeat(baskets.basket_indptr[:-1][order[some]] - starts, sizes[some])
        yield UserRange(
            slice(first, last),
            baskets.basket_user[order[some]] - np.int64(first),
            baskets.basket_begun[order[some]],
            sizes[some],
            baskets.basket_items[np.arange(len(moved)) + moved],
        )
        first = last
