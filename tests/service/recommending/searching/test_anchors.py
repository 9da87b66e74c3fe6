"""The basket-anchor set: all of a small basket, a seeded share of a large one."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.recommending.searching.anchors import choose_anchors
from service.support.arrays.array_types import Int32

LIMIT, FRACTION = 20, 0.5

baskets = st.sets(st.integers(0, 10_000), max_size=120).map(
    lambda items: np.array(sorted(items), np.int32)
)


def chosen(basket: Int32, *names: str) -> list[int]:
    anchors: list[int] = choose_anchors(basket, LIMIT, FRACTION, *names).tolist()
    return anchors


@given(baskets, st.integers(1, 60), st.floats(0.01, 1), st.text(), st.text())
def test_anchors_are_distinct_ascending_and_from_the_basket(
    basket: Int32, limit: int, fraction: float, user: str, bundle: str
) -> None:
    anchors = choose_anchors(basket, limit, fraction, user, bundle)
    assert anchors.dtype == np.int32
    assert (np.diff(anchors) > 0).all()
    assert np.isin(anchors, basket).all()


@given(baskets, st.integers(1, 60), st.floats(0.01, 1))
def test_as_many_as_the_limit_grants_or_the_share_of_what_is_more(
    basket: Int32, limit: int, fraction: float
) -> None:
    n = len(choose_anchors(basket, limit, fraction, "user", "bundle"))
    assert n == min(len(basket), max(limit, round(fraction * len(basket))))


@pytest.mark.parametrize(("items", "anchors"), [(0, 0), (20, 20), (21, 20), (40, 20), (60, 30)])
def test_one_more_item_never_halves_the_anchors(items: int, anchors: int) -> None:
    assert len(chosen(np.arange(items, dtype=np.int32))) == anchors


def test_the_same_names_and_basket_give_the_same_anchors() -> None:
    basket = np.arange(100, dtype=np.int32)
    assert chosen(basket, "user", "bundle") == chosen(basket.copy(), "user", "bundle")


def test_another_user_bundle_or_basket_draws_other_anchors() -> None:
    basket = np.arange(100, dtype=np.int32)
    draws = [
        chosen(basket, "user", "bundle"),
        chosen(basket, "other", "bundle"),
        chosen(basket, "user", "newer"),
        [item - 1 for item in chosen(basket + 1, "user", "bundle")],
    ]
    assert len(set(map(tuple, draws))) == len(draws)


def test_every_item_has_its_chance() -> None:
    basket = np.arange(40, dtype=np.int32)
    counts = np.zeros(40)
    for user in range(1000):
        counts[chosen(basket, f"user-{user}")] += 1
    # Half of the basket each time: 500 expected, standard deviation 16.
    assert (np.abs(counts - 500) < 5 * 16).all()


def test_no_user_id_is_too_strange_to_seed_a_sample() -> None:
    assert len(chosen(np.arange(30, dtype=np.int32), "\ud800", "\0")) == 20
