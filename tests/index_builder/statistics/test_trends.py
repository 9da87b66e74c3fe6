"""What sold lately, and how often buyers come back."""

import numpy as np
import pytest

from index_builder.statistics.trends import item_rhythm, item_trend
from service.support.durations import DAY_S
from tests.data.encoded import encoded


def test_a_trend_worked_out_by_hand() -> None:
    as_of = 100 * DAY_S
    ages_days = [95, 60, 20, 10, 7, 1]
    baskets = [[0], [0, 1], [1], [2], [0, 2], [2]]
    world = encoded(baskets, [0] * 6, [as_of - age * DAY_S for age in ages_days])
    counts = np.array(
        [
            [1, 1, 1, 2],  # item 0, over 7, 14, 30, 90 days; a week ago to the second counts
            [0, 0, 1, 2],
            [2, 3, 3, 3],
            [0, 0, 0, 0],
        ]
    )
    expected = np.log((counts + 0.5) / (counts + 0.5).sum(axis=0))
    found = item_trend(world, 4, as_of)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_where_nothing_sold_lately_all_are_alike() -> None:
    found = item_trend(encoded([[0, 1]], [0], [0]), 3, 1000 * DAY_S)
    assert found.shape == (3, 4)
    assert found == pytest.approx(np.log(1 / 3))


def test_a_rhythm_worked_out_by_hand() -> None:
    as_of = 100 * DAY_S
    # User 0 buys item 0 after 10 and 39 days, user 1 item 0 once and item 1 twice, a week apart.
    buys = [(0, [0], 90), (0, [0], 80), (0, [0], 41), (1, [0, 1], 20), (1, [1], 13)]
    world = encoded(
        [items for _, items, _ in reversed(buys)],
        [user for user, _, _ in reversed(buys)],
        [as_of - days * DAY_S for _, _, days in reversed(buys)],
    )
    found = item_rhythm(world, 2, 3, as_of)
    shop = np.log([11, 40, 8]).mean()
    typical = [
        np.expm1((np.log([11, 40]).sum() + 3 * shop) / 5),
        np.expm1((np.log(8) + 3 * shop) / 4),
        np.expm1(shop),
    ]
    # Of the last 30 days: one purchase of item 0, a first one; two of item 1, one a first.
    expected = np.array([np.log([3, 2, 1]), [2, 2, 0], typical, [2 / 3, 2 / 4, 1 / 2]])
    assert found.dtype == np.float32
    np.testing.assert_allclose(found.T, expected, rtol=1e-6)
