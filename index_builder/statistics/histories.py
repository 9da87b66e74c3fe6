"""Purchase histories: what each user bought, how often and how recently."""

from dataclasses import dataclass

import numpy as np

from index_builder.transactions.encoded.by_user import UserRange, user_ranges
from index_builder.transactions.encoded.encoding import EncodedBaskets
from index_builder.transactions.encoded.scratch import scratch
from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.durations import DAY_S

_LONG_AGO = np.iinfo(np.int64).min  # before every basket, those before 1970 too


@dataclass(frozen=True)
class Histories:
    """One row per user and bought item, by user, then item; see `service.bundle.arrays`."""

    indptr: Int64
    item: Int32
    count: Int32
    recency: Float32
    last: Int64


def histories(
    baskets: EncodedBaskets, n_users: int, n_items: int, half_life_days: float
) -> Histories:
    """Counts the purchases of every user.

    A basket has a weight of 0.5^(age / half-life); an item's recency is the weight of the user's
    baskets with it over the weight of all the user's baskets. This share does not depend on the
    moment from which ages count. It is the user's last basket: from a later moment, the weights of
    a user who left long ago would all round to zero.

    Args:
        baskets: the training baskets.
        n_users: number of users.
        n_items: number of items.
        half_life_days: days after which a basket counts half as much.
    """
    n_lines = len(baskets.basket_items)
    indptr, n = np.zeros(n_users + 1, np.int64), 0
    item, count = scratch(n_lines, np.int32), scratch(n_lines, np.int32)
    recency, last = scratch(n_lines, np.float32), scratch(n_lines, np.int64)
    for some in user_ranges(baskets, n_users):
        bought = _bought(some, n_items, half_life_days)
        indptr[some.users.start + 1 : some.users.stop + 1] = n + bought.indptr[1:]
        place = slice(n, n + len(bought.item))
        item[place], count[place] = bought.item, bought.count
        recency[place], last[place] = bought.recency, bought.last
        n = place.stop
    return Histories(indptr, item[:n], count[:n], recency[:n], last[:n])


def _bought(some: UserRange, n_items: int, half_life_days: float) -> Histories:
    """The histories of a range of users."""
    n_users = some.users.stop - some.users.start
    latest = np.full(n_users, _LONG_AGO)
    np.maximum.at(latest, some.user, some.begun)
    age_days = (latest[some.user] - some.begun) / DAY_S
    weight = 0.5 ** (age_days / half_life_days)
    total = np.bincount(some.user, weight, n_users)

    basket = some.line_basket
    pairs, pair = np.unique(some.user[basket] * n_items + some.items, return_inverse=True)
    owner = pairs // n_items
    last = np.full(len(pairs), _LONG_AGO)
    np.maximum.at(last, pair, some.begun[basket])
    return Histories(
        indptr=np.searchsorted(owner, np.arange(n_users + 1)).astype(np.int64),
        item=(pairs % n_items).astype(np.int32),
        count=np.bincount(pair, minlength=len(pairs)).astype(np.int32),
        recency=(np.bincount(pair, weight[basket], len(pairs)) / total[owner]).astype(np.float32),
        last=last,
    )
