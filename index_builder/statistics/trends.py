"""Trends: how much of each item sold lately, and how often its buyers buy it again."""

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Float32
from service.support.durations import DAY_S

_TREND_DAYS = (7, 14, 30, 90)
_LATELY_DAYS = 30
_ASSUMED_GAPS = 3  # of the shop's typical length, added to those of every item


def item_trend(baskets: EncodedBaskets, n_items: int, as_of: int) -> Float32:
    """Log popularity over the last days before `as_of` (epoch seconds), (n_items, windows).

    Half a purchase is added to every item, so that no logarithm is infinite.
    """
    age_days = ((as_of - baskets.basket_begun) / DAY_S)[baskets.line_basket]
    columns = []
    for days in _TREND_DAYS:
        counts = np.bincount(baskets.basket_items[age_days <= days], minlength=n_items) + 0.5
        columns.append(np.log(counts / counts.sum()))
    return np.stack(columns, axis=1).astype(np.float32)


def item_rhythm(baskets: EncodedBaskets, n_items: int, as_of: int) -> Float32:
    """How many users buy an item and how often, (n_items, 4), as of epoch seconds `as_of`.

    Columns: log(1 + buyers); purchases per buyer; days between two purchases by one buyer (the
    geometric mean of 1 + gap, minus 1, shrunk towards that of the shop); the share of the purchases
    of the last 30 days that were a buyer's first.
    """
    basket = baskets.line_basket
    user, begun = baskets.basket_user[basket], baskets.basket_begun[basket]
    order = np.lexsort((begun, baskets.basket_items, user))
    user, item, begun = user[order], baskets.basket_items[order], begun[order]
    first = np.ones(len(item), np.bool_)
    first[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])

    again = np.flatnonzero(~first)
    log_gap = np.log1p((begun[again] - begun[again - 1]) / DAY_S)
    shop = log_gap.mean() if len(again) else 0.0
    gaps = np.bincount(item[again], minlength=n_items)
    log_gaps = np.bincount(item[again], log_gap, n_items) + _ASSUMED_GAPS * shop
    lately = (as_of - begun) / DAY_S <= _LATELY_DAYS
    buyers = np.bincount(item[first], minlength=n_items)
    columns = (
        np.log1p(buyers),
        np.bincount(item, minlength=n_items) / np.maximum(buyers, 1),
        np.expm1(log_gaps / (gaps + _ASSUMED_GAPS)),
        (np.bincount(item[first & lately], minlength=n_items) + 1)
        / (np.bincount(item[lately], minlength=n_items) + 2),
    )
    return np.stack(columns, axis=1).astype(np.float32)
