"""Habits: how often users had bought an item lately, before each of their baskets."""

from typing import Annotated, NamedTuple

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.offsets import offsets
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout
from service.support.durations import DAY_S

_HALF_LIFE_S = 60.0 * DAY_S  # as a user's recency has it by default
_MOST_PAST_BASKETS = 150  # that a habit is made from, the latest ones
_SCALE = np.float32(30)  # as in `service.recommending.aggregate`


class Habits(NamedTuple):
    """Baskets, and the order in which each user bought them; arrays are read-only.

    Attributes:
        indptr: (n_baskets + 1,) int64 offsets into `items`.
        items: int32, of all baskets, which are ordered by their start.
        user: (n_baskets,) int32.
        begun: (n_baskets,) int64, epoch seconds.
        user_indptr: (users + 1,) int64 offsets into `user_basket`.
        user_basket: (n_baskets,) int64, the baskets of each user, oldest first.
        order_in_user: (n_baskets,) int64, how many baskets of the same user came before.
    """

    indptr: Int64
    items: Int32
    user: Int32
    begun: Int64
    user_indptr: Int64
    user_basket: Int64
    order_in_user: Int64

    @classmethod
    def of(cls, baskets: EncodedBaskets, n_users: int) -> "Habits":
        """The habits in these baskets; users from `n_users` on are guests, who have none."""
        user = baskets.basket_user
        by_user = np.argsort(user, kind="stable")
        starts = offsets(np.bincount(user))
        order = np.empty(len(user), np.int64)
        order[by_user] = np.arange(len(user)) - starts[user[by_user]]
        order[user >= n_users] = 0
        return cls(
            read_only(baskets.basket_indptr),
            read_only(baskets.basket_items),
            read_only(user),
            read_only(baskets.basket_begun),
            read_only(starts),
            read_only(by_user),
            read_only(order),
        )

    def before(self, some: Int64, place_of: Int32, n_places: int) -> Float32:
        """log(1 + 30 · recency) of what users had bought before these baskets, else 0.

        Recency is the share of the earlier baskets that hold the item, each halved every 60 days.

        Args:
            some: (b,) baskets.
            place_of: (n_items,) column of an item; columns that are not there are passed over.
            n_places: number of columns.

        Returns:
            (b, n_places) float32.
        """
        habit = np.zeros((len(some), n_places), np.float32)
        _add_habit(self, some, place_of, habit)
        return habit


@compiled()
def _add_habit(
    habits: Habits,
    some: Int64,
    place_of: Int32,
    habit: Annotated[Float32, Layout(axes=2, written=True)],
) -> None:
    """Writes the habits before some baskets over zeros."""
    indptr, items, basket_user, begun, user_indptr, user_basket, order_in_user = habits
    for row in range(len(some)):
        basket = some[row]
        start = user_indptr[basket_user[basket]]
        stop = start + order_in_user[basket]
        total = np.float32(0)
        for at in range(max(start, stop - _MOST_PAST_BASKETS), stop):
            past = user_basket[at]
            weight = np.float32(0.5 ** ((begun[basket] - begun[past]) / _HALF_LIFE_S))
            total += weight
            for line in range(indptr[past], indptr[past + 1]):
                place = place_of[items[line]]
                if 0 <= place < habit.shape[1]:
                    habit[row, place] += weight
        for place in range(habit.shape[1]):
            if habit[row, place] > 0:
                habit[row, place] = np.log1p(_SCALE * habit[row, place] / total)
