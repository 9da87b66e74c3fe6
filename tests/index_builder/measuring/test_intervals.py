"""Bootstrap intervals, where they can be derived by hand."""

from math import isnan, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.measuring.intervals import Bootstrap, Interval

USERS = np.arange(40, dtype=np.int32)


def test_a_constant_has_an_interval_of_no_width() -> None:
    values = np.full(40, 0.3)
    assert Bootstrap(USERS, seed=0).interval(values) == Interval(0.3, 0.3, 0.3)


def test_a_constant_difference_has_none_either() -> None:
    theirs = np.random.default_rng(0).random(40)
    found = Bootstrap(USERS, seed=0).difference(theirs + 0.25, theirs)
    assert (found.mean, found.low, found.high) == pytest.approx((0.25, 0.25, 0.25))


def test_the_width_is_that_of_the_normal_law() -> None:
    # 400 users, half of them with 1 and half with 0: a standard error of .5 / sqrt(400).
    users = np.arange(400, dtype=np.int32)
    found = Bootstrap(users, seed=0).interval((users % 2).astype(float))
    assert found.mean == 0.5
    assert found.high - found.mean == pytest.approx(1.96 * 0.5 / sqrt(400), rel=0.1)
    assert found.mean - found.low == pytest.approx(1.96 * 0.5 / sqrt(400), rel=0.1)


def test_users_are_resampled_not_baskets() -> None:
    # Every user has the same basket nine times: that is no more than having it once.
    once = (USERS % 2).astype(float)
    often = Bootstrap(np.repeat(USERS, 9), seed=0).interval(np.repeat(once, 9))
    found = Bootstrap(USERS, seed=0).interval(once)
    assert (often.low, often.high) == pytest.approx((found.low, found.high))
    baskets = Bootstrap(np.arange(360, dtype=np.int32), seed=0).interval(np.repeat(once, 9))
    assert baskets.high - baskets.low < 0.5 * (often.high - often.low)


def test_a_user_of_many_baskets_counts_by_all_of_them() -> None:
    users = np.array([0] * 30 + list(range(1, 31)), np.int32)
    found = Bootstrap(users, seed=0).interval((users > 0).astype(float))
    assert found.mean == 0.5


def test_baskets_of_a_few_users_are_resampled_one_by_one() -> None:
    values = np.tile([0.0, 1.0], 20)
    one = Bootstrap(np.zeros(40, np.int32), seed=0).interval(values)
    each = Bootstrap(USERS, seed=0).interval(values)
    assert one == each
    assert one.low < one.mean < one.high


def test_baskets_without_a_value_do_not_count() -> None:
    values = np.where(USERS < 20, np.nan, 0.5)
    assert Bootstrap(USERS, seed=0).interval(values) == Interval(0.5, 0.5, 0.5)
    nothing = Bootstrap(USERS, seed=0).interval(np.full(40, np.nan))
    assert all(isnan(each) for each in (nothing.mean, nothing.low, nothing.high))


def test_the_seed_decides() -> None:
    values = np.random.default_rng(1).random(40)
    first, again, other = (Bootstrap(USERS, seed).interval(values) for seed in (0, 0, 1))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.floats(0, 1)), min_size=1, max_size=60),
    st.integers(0, 2**32 - 1),
)
def test_the_interval_lies_within_the_values(baskets: list[tuple[int, float]], seed: int) -> None:
    users, values = (np.array(column) for column in zip(*baskets, strict=True))
    found = Bootstrap(users.astype(np.int32), seed, resamples=50).interval(values.astype(float))
    assert values.min() - 1e-9 <= found.low <= found.high <= values.max() + 1e-9
    assert found.mean == pytest.approx(values.mean())
