"""Trends: how much of each item sold lately, and how often its buyers buy it again."""

import numpy as np

from index_builder.transactions.encoded.by_user import user_ranges
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
    age_days = (as_of - baskets.basket_begun) / DAY_S
    columns = []
    for days in _TREND_DAYS:
        first = baskets.basket_indptr[np.count_nonzero(age_days > days)]  # they ascend in time
        counts = np.bincount(baskets.basket_items[first:], minlength=n_items) + 0.5
        columns.append(np.log(counts / counts.sum()))
    return np.stack(columns, axis=1).astype(np.float32)


def item_rhythm(baskets: EncodedBaskets, n_users: int, n_items: int, as_of: int) -> Float32:
    """How many users buy an item and how often, (n_items, 4), as of epoch seconds `as_of`.

    Columns: log(1 + buyers); purchases per buyer; days between two purchases by one buyer (the
    geometric mean of 1 + gap, minus 1, shrunk towards that of the shop); the share of the purchases
    of the last 30 days that were a buyer's first.
    """
    bought, buyers, gaps, late, first_late = (np.zeros(n_items, np.int64) for _ in range(5))
    log_gaps, log_gap = np.zeros(n_items), 0.0
    for some in user_ranges(baskets, n_users):
        basket = some.line_basket
        order = np.lexsort((some.begun[basket], some.items, some.user[basket]))
        user, item = some.user[basket][order], some.items[order]
        begun = some.begun[basket][order]
        first = np.ones(len(item), np.bool_)
        first[1:] = (user[1:] != user[:-1]) | (item[1:] != item[:-1])
        again = np.flatnonzero(~first)
        logarithms = np.log1p((begun[again] - begun[again - 1]) / DAY_S)
        log_gap += logarithms.sum()
        log_gaps += np.bincount(item[again], logarithms, n_items)
        gaps += np.bincount(item[again], minlength=n_items)
        lately = (as_of - begun) / DAY_S <= _LATELY_DAYS
        buyers += np.bincount(item[first], minlength=n_items)
        bought += np.bincount(item, minlength=n_items)
        first_late += np.bincount(item[first & lately], minlength=n_items)
        late += np.bincount(item[lately], minlength=n_items)
    shop = log_gap / max(1, int(gaps.sum()))
    log_gaps += _ASSUMED_GAPS * shop
    columns = (
        np.log1p(buyers),
        bought / np.maximum(buyers, 1),
        np.expm1(log_gaps / (gaps + _ASSUMED_GAPS)),
        (first_late + 1) / (late + 2),
    )
    return np.stack(columns, axis=1).astype(np.float32)
