"""Past baskets by user, and what sold lately."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.statistics.past_baskets import pasts, rhythm, trend
from tests.data.encoded import encoded

DAY = 86_400


def test_baskets_of_each_user_in_their_order() -> None:
    past = pasts(encoded([[3, 1], [2], [0, 1, 2], [5]], [2, 0, 2, 0], [10, 20, 20, 30]), 4)
    assert past.indptr.tolist() == [0, 2, 2, 4, 4]  # users 1 and 3 have bought nothing
    assert past.begun.tolist() == [20, 30, 10, 20]
    assert past.item_indptr.tolist() == [0, 1, 2, 4, 7]
    assert past.item.tolist() == [2, 5, 1, 3, 0, 1, 2]
    dtypes = [array.dtype.name for array in vars(past).values()]
    assert dtypes == ["int64", "int64", "int64", "int32"]


@given(
    baskets=st.lists(
        st.tuples(st.integers(0, 4), st.sets(st.integers(0, 9), min_size=1, max_size=4)), min_size=1
    )
)
def test_there_and_back(baskets: list[tuple[int, set[int]]]) -> None:
    world = encoded([sorted(items) for _, items in baskets], [user for user, _ in baskets])
    past = pasts(world, 5)
    for user in range(5):
        found = []
        for basket in range(past.indptr[user], past.indptr[user + 1]):
            span = slice(past.item_indptr[basket], past.item_indptr[basket + 1])
            found.append((int(past.begun[basket]), set(past.item[span].tolist())))
        own = [(at, items) for at, (owner, items) in enumerate(baskets) if owner == user]
        assert found == own  # basket number b began at second b


def test_a_trend_worked_out_by_hand() -> None:
    as_of = 100 * DAY
    ages_days = [95, 60, 20, 10, 7, 1]
    baskets = [[0], [0, 1], [1], [2], [0, 2], [2]]
    world = encoded(baskets, [0] * 6, [as_of - age * DAY for age in ages_days])
    counts = np.array(
        [
            [1, 1, 1, 2],  # item 0, over 7, 14, 30, 90 days; a week ago to the second counts
            [0, 0, 1, 2],
            [2, 3, 3, 3],
            [0, 0, 0, 0],
        ]
    )
    expected = np.log((counts + 0.5) / (counts + 0.5).sum(axis=0))
    found = trend(world, 4, as_of)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_where_nothing_sold_lately_all_are_alike() -> None:
    found = trend(encoded([[0, 1]], [0], [0]), 3, 1000 * DAY)
    assert found.shape == (3, 4)
    assert found == pytest.approx(np.log(1 / 3))


def test_a_rhythm_worked_out_by_hand() -> None:
    as_of = 100 * DAY
    # User 0 buys item 0 after 10 and 39 days, user 1 item 0 once and item 1 twice, a week apart.
    buys = [(0, [0], 90), (0, [0], 80), (0, [0], 41), (1, [0, 1], 20), (1, [1], 13)]
    world = encoded(
        [items for _, items, _ in reversed(buys)],
        [user for user, _, _ in reversed(buys)],
        [as_of - days * DAY for _, _, days in reversed(buys)],
    )
    found = rhythm(world, 3, as_of)
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
