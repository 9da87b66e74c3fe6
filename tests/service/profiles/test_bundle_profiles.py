"""Profiles: one user's rows of the history arrays."""

import numpy as np
import pytest

from service.bundle.bundle import preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from tests.data.ranked_shop import ranked_contents
from tests.data.tiny_bundle import NOON, tiny_contents


def test_a_profile_is_the_users_own_rows() -> None:
    # User u of the tiny bundle bought the first 6 items of the home aisle, number j in 1 + j
    # baskets, the last time 1 + j days before NOON.
    bundle = preview_bundle(tiny_contents())
    profile = BundleProfiles(bundle).get("user-4")
    assert profile is not None
    np.testing.assert_array_equal(profile.user_h, bundle.user_h[4])
    assert profile.items.tolist() == [1, 3, 5, 7, 9, 11]
    assert profile.counts.tolist() == [1, 2, 3, 4, 5, 6]
    assert profile.last.tolist() == [NOON - 86_400 * days for days in range(1, 7)]
    assert profile.recency == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])


def test_a_user_never_seen_has_none() -> None:
    profiles = BundleProfiles(preview_bundle(tiny_contents()))
    assert profiles.get("user-99") is None
    assert profiles.get("") is None


@pytest.mark.parametrize(("moment", "is_known"), [(0, True), (1, False), (7, False)])
def test_a_user_who_was_forgotten_has_none_unless_all_purchases_were_later(
    moment: int, is_known: bool
) -> None:
    since = NOON - 86_400 * 6 + moment  # item number 5 was bought at NOON less 6 days
    moments = {"user-4": since}
    profiles = BundleProfiles(preview_bundle(tiny_contents()), moments.get)
    assert (profiles.get("user-4") is not None) is is_known
    assert profiles.get("user-3") is not None


def test_the_first_basket_counts_if_baskets_are_known() -> None:
    bundle = preview_bundle(ranked_contents())
    own = BundleProfiles(bundle).get("user-03")
    assert own is not None
    first = int(own.past_begun[0])
    assert first < own.last.min()
    for moment, is_known in ((first, True), (first + 1, False)):
        found = BundleProfiles(bundle, {"user-03": moment}.get).get("user-03")
        assert (found is not None) is is_known


def test_a_user_without_purchases_in_the_catalogue_has_none() -> None:
    indptr = np.array([0, 6, 12, 18, 18, 30, 36])  # user 3 bought nothing, user 4 twice as much
    profiles = BundleProfiles(preview_bundle(tiny_contents(history_indptr=indptr)))
    assert profiles.get("user-3") is None
    assert profiles.get("user-2") is not None
