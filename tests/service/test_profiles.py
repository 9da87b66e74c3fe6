"""Profiles: one user's rows of the history arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle import preview_bundle
from service.profiles import Profile, Profiles
from tests.data.tiny_bundle import NOON, tiny_contents


def test_a_profile_is_the_users_own_rows() -> None:
    # User u of the tiny bundle bought the first 6 items of the home aisle, number j in 1 + j
    # baskets, the last time 1 + j days before NOON.
    bundle = preview_bundle(tiny_contents())
    profile = Profiles(bundle).get("user-4")
    assert profile is not None
    np.testing.assert_array_equal(profile.user_h, bundle.user_h[4])
    assert profile.items.tolist() == [1, 3, 5, 7, 9, 11]
    assert profile.counts.tolist() == [1, 2, 3, 4, 5, 6]
    assert profile.last.tolist() == [NOON - 86_400 * days for days in range(1, 7)]
    assert profile.recency == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])


def test_a_user_never_seen_has_none() -> None:
    profiles = Profiles(preview_bundle(tiny_contents()))
    assert profiles.get("user-99") is None
    assert profiles.get("") is None


def test_a_user_without_purchases_in_the_catalogue_has_none() -> None:
    indptr = np.array([0, 6, 12, 18, 18, 30, 36])  # user 3 bought nothing, user 4 twice as much
    profiles = Profiles(preview_bundle(tiny_contents(history_indptr=indptr)))
    assert profiles.get("user-3") is None
    assert profiles.get("user-2") is not None


@given(
    st.dictionaries(st.integers(0, 50), st.floats(0, 1, width=32), min_size=1),
    st.lists(st.integers(0, 60)),
)
def test_recency_is_that_of_the_item_or_zero(history: dict[int, float], asked: list[int]) -> None:
    items = sorted(history)
    profile = Profile(
        user_h=np.zeros(2, np.float32),
        items=np.array(items, np.int32),
        counts=np.ones(len(items), np.int32),
        recency=np.array([history[item] for item in items], np.float32),
        last=np.zeros(len(items), np.int64),
    )
    found = profile.recency_of(np.array(asked, np.int32))
    assert found.dtype == np.float32
    assert found.tolist() == [history.get(item, 0.0) for item in asked]
