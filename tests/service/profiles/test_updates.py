"""Updated profiles equal those of a build with the new baskets."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.statistics.histories import histories
from index_builder.statistics.past_baskets import past_baskets
from service.bundle.bundle import Bundle, preview_bundle
from service.bundle.errors import BundleInvalidError
from service.events.journal import Purchase
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.fold_in import FoldIn
from service.profiles.profile import Profile
from service.profiles.updates import ProfileUpdates
from tests.data.encoded import encoded
from tests.data.ranked_shop import CONFIG, N_ITEMS, shop
from tests.data.tiny_bundle import NOON, tiny_contents

HALF_LIFE = CONFIG.recency_half_life_days
DAY = 86_400

baskets = st.lists(st.sets(st.integers(0, N_ITEMS - 1), min_size=1, max_size=5), max_size=6)


@pytest.fixture(scope="module")
def bundle() -> Bundle:
    return preview_bundle(shop().contents)


@pytest.fixture(scope="module")
def without_pasts() -> Bundle:
    """As built without a ranker."""
    bare = replace(shop().contents, past_indptr=None, past_begun=None)
    return preview_bundle(replace(bare, past_item_indptr=None, past_item=None))


@pytest.fixture(scope="module")
def updates(bundle: Bundle) -> ProfileUpdates:
    return ProfileUpdates(bundle)


def built(bundle: Bundle, bought: list[set[int]]) -> Profile | None:
    """What a build makes of the baskets of one user, one every third day."""
    if not bought:
        return None
    begun = [3 * DAY * day for day in range(len(bought))]
    lines = encoded([sorted(basket) for basket in bought], [0] * len(bought), begun)
    history, past = histories(lines, 1, N_ITEMS, HALF_LIFE), past_baskets(lines, 1)
    user_h = FoldIn(bundle.item_vectors, HALF_LIFE, completion=True).user_h(
        past.begun, past.item_indptr, past.item
    )
    return Profile(
        user_h, history.item, history.count, history.recency, history.last,
        past.begun, past.item_indptr, past.item,
    )  # fmt: skip


def purchases_of(bundle: Bundle, first: int, bought: list[set[int]]) -> list[Purchase]:
    """The same baskets as purchases, the first of them on such a day."""
    item_ids = bundle.catalogue.item_ids
    return [
        Purchase(f"b{day}", item_ids[item], 3 * DAY * day)
        for day, basket in zip(count(first), bought, strict=False)
        for item in basket
    ]


@given(before=baskets, after=baskets.filter(bool))
def test_a_profile_is_as_though_it_had_been_built_later(
    bundle: Bundle, updates: ProfileUpdates, before: list[set[int]], after: list[set[int]]
) -> None:
    purchases = purchases_of(bundle, len(before), after)
    found = updates.apply(built(bundle, before), updates.baskets(purchases[::-1], 0))
    expected = built(bundle, before + after)
    assert expected is not None
    assert found.items.dtype == expected.items.dtype
    for name, values in expected._asdict().items():
        np.testing.assert_allclose(getattr(found, name), values, rtol=1e-4, atol=1e-5, err_msg=name)


@given(before=baskets, after=baskets.filter(bool))
def test_without_past_baskets_a_known_vector_stays_and_a_newcomer_gets_one(
    without_pasts: Bundle, before: list[set[int]], after: list[set[int]]
) -> None:
    updates, profile = ProfileUpdates(without_pasts), built(without_pasts, before)
    if profile is not None:
        nothing = np.empty(0, np.int64), np.zeros(1, np.int64), np.empty(0, np.int32)
        profile = Profile(*profile[:5], *nothing)
    found = updates.apply(
        profile, updates.baskets(purchases_of(without_pasts, len(before), after), 0)
    )
    expected = built(without_pasts, before + after)
    stays = built(without_pasts, before or after)
    assert expected is not None
    assert stays is not None
    np.testing.assert_allclose(found.user_h, stays.user_h, rtol=1e-4, atol=1e-5)
    for name in ("items", "counts", "last"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))
    assert not len(found.past_begun)


def test_a_trained_vector_moves_and_does_not_jump(bundle: Bundle, updates: ProfileUpdates) -> None:
    profile = BundleProfiles(bundle).get("user-03")
    assert profile is not None
    at = int(profile.past_begun[-1]) + DAY
    new = updates.baskets([Purchase("b", bundle.catalogue.item_ids[7], at)], 0)
    fold_in = FoldIn(bundle.item_vectors, HALF_LIFE, completion=True)
    past = (profile.past_begun, profile.past_indptr, profile.past_items)
    own = profile.past_items[profile.past_indptr[0] : profile.past_indptr[-1]]
    joined = (
        np.append(profile.past_begun, at),
        np.append(profile.past_indptr - profile.past_indptr[0], len(own) + 1),
        np.append(own, np.int32(7)),
    )
    updated = updates.apply(profile, new)
    moved = fold_in.user_h(*joined) - fold_in.user_h(*past)
    np.testing.assert_allclose(updated.user_h - profile.user_h, moved, atol=1e-6)


def test_a_basket_begins_with_its_first_purchase_and_unknown_items_are_none_of_it(
    bundle: Bundle, updates: ProfileUpdates
) -> None:
    found = updates.baskets(
        [
            Purchase("late", "item-05", 90),
            Purchase("early", "item-09", 70),
            Purchase("late", "item-02", 80),
            Purchase("late", "item-05", 85),
            Purchase("late", "no such item", 60),
            Purchase("unknown", "no such item", 75),
            Purchase("before", "item-01", 40),
            Purchase("before", "item-01", 95),
        ],
        since=50,
    )
    assert found.begun.tolist() == [60, 70]
    assert found.indptr.tolist() == [0, 2, 3]
    names = [bundle.catalogue.item_ids[item] for item in found.lines]
    assert (set(names[:2]), names[2]) == ({"item-02", "item-05"}, "item-09")


def test_a_cancellation_takes_back_the_latest_purchase_before_it(updates: ProfileUpdates) -> None:
    def kept(*lines: Purchase) -> list[tuple[int, int]]:
        found = updates.baskets(lines, 0)
        return list(zip(found.begun.tolist(), np.diff(found.indptr).tolist(), strict=True))

    first, second = Purchase("a", "item-05", 10, 1), Purchase("b", "item-05", 20)
    other = Purchase("b", "item-09", 21, 3)
    back = Purchase("c", "item-05", 30, -1)
    assert kept(first, second, other) == [(10, 1), (20, 2)]
    assert kept(back, other, second, first) == [(10, 1), (21, 1)]
    assert kept(first, second, other, back, back._replace(quantity=0)) == [(21, 1)]
    assert kept(second, back._replace(timestamp=20)) == []
    assert kept(second, back._replace(timestamp=19)) == [(20, 1)]
    assert kept(back) == []


def test_without_past_baskets_an_item_bought_once_tells_what_they_weighed() -> None:
    # User 0 of the tiny bundle bought item 0 in one basket a day before noon, of weight 1 there
    # and of share 1/6: all baskets weighed 6.
    bundle = preview_bundle(tiny_contents(build={"recency_half_life_days": 1}))
    updates = ProfileUpdates(bundle)
    profile = BundleProfiles(bundle).get("user-0")
    new = updates.baskets([Purchase("b", "item-39", NOON)], 0)
    found = updates.apply(profile, new)
    assert found.items.tolist() == [0, 2, 4, 6, 8, 10, 39]
    assert found.counts.tolist() == [1, 2, 3, 4, 5, 6, 1]
    # A day later they weigh 3, of which item 0 has half a basket, and the new basket 1.
    assert found.recency[[0, -1]] == pytest.approx([0.5 / 4, 1 / 4])
    assert found.last[-1] == NOON
    assert not len(found.past_begun)


def test_a_bundle_must_say_how_fast_purchases_fade() -> None:
    with pytest.raises(BundleInvalidError, match="recency_half_life_days"):
        ProfileUpdates(preview_bundle(tiny_contents(build={})))
