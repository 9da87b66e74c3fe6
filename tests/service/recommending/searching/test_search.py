"""The forms of search, where their answers can be derived or must agree."""

from dataclasses import replace

import numpy as np
import pytest

from index_builder.bundle.contents import with_closest
from service.bundle.bundle import Bundle, preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.recommender import Recommender
from service.recommending.searching.search import Search
from service.recommending.weights import Weights
from service.settings import RecommendOptions, SearchForm
from tests.data.ranked_shop import N_ITEMS, WEIGHTS, ranked_contents
from tests.data.requests import a_request

FORMS: list[SearchForm] = ["lists", "mean", "anchors"]
EVERY = np.ones(N_ITEMS, np.bool_)
ANCHORS = np.array([3, 20, 41], np.int32)


def shop(places: int) -> Bundle:
    bare = replace(ranked_contents(), closest_item=None)
    return preview_bundle(with_closest(bare, places))


def found(
    bundle: Bundle, form: SearchForm, anchors: list[int], user: str | None, wanted: int
) -> list[int]:
    search = Search(bundle, WEIGHTS)
    profile = BundleProfiles(bundle).get(user) if user else None
    items = search.find(form, np.array(anchors, np.int32), profile, EVERY, wanted)
    assert items.dtype == np.int32
    listed: list[int] = items.tolist()
    return listed


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("places", [0, 4, N_ITEMS])
def test_a_shopper_without_a_basket_is_asked_for_and_nobody_is_not(
    form: SearchForm, places: int
) -> None:
    bundle = shop(places)
    assert found(bundle, form, [], "user-03", 5) == found(shop(0), "mean", [], "user-03", 5)
    assert len(found(bundle, form, [], "user-03", 5)) == 5
    assert found(bundle, form, [], None, 5) == []


def test_no_search_finds_nothing() -> None:
    assert found(shop(N_ITEMS), "none", [3, 20, 41], "user-03", 5) == []


def test_without_lists_or_with_short_ones_the_index_answers() -> None:
    asked = found(shop(0), "mean", [3, 20, 41], "user-03", 5)
    assert len(asked) == 5 + 3
    assert found(shop(0), "lists", [3, 20, 41], "user-03", 5) == asked
    assert found(shop(1), "lists", [3, 20, 41], "user-03", 5) == asked
    assert found(shop(14), "anchors", [3, 20], "user-03", 5) == found(
        shop(0), "anchors", [3, 20], "user-03", 5
    )


def test_lists_of_everything_hold_the_best_for_every_shopper() -> None:
    """But for the anchors, which no list of their own names."""
    for user in ("user-03", "user-11", None):
        listed = found(shop(N_ITEMS), "anchors", [3], user, 10)
        indexed = found(shop(0), "anchors", [3], user, 10)
        assert [item for item in indexed if item != 3][:10] == listed


def test_asked_for_everything_every_form_of_search_ranks_alike() -> None:
    bundle = shop(6)
    for ranker in (True, False):
        asked = [
            Recommender(
                bundle, RecommendOptions(search=form, search_candidates=2 * N_ITEMS, ranker=ranker)
            )
            for form in FORMS
        ]
        answers = [
            each.recommend(a_request("user-03", ["item-03", "item-20"], 10)) for each in asked
        ]
        assert answers[0] == answers[1] == answers[2]


def test_merged_lists_bring_what_is_wanted_and_no_more() -> None:
    assert len(found(shop(10), "lists", [3, 20, 41], "user-03", 5)) == 5
    alone = found(shop(10), "lists", [3], "user-03", 10)
    assert alone == shop(10).required("closest_item", "a test")[3].tolist()


def test_what_is_not_eligible_is_not_in_the_merged_lists() -> None:
    bundle, eligible = shop(20), EVERY.copy()
    search = Search(bundle, Weights(1, 1, 1))
    shopper = BundleProfiles(bundle).get("user-03")
    first = search.find("lists", ANCHORS, shopper, eligible, 6)
    eligible[first] = False
    assert not set(first.tolist()) & set(
        search.find("lists", ANCHORS, shopper, eligible, 6).tolist()
    )


def test_a_strangers_candidates_come_from_the_index() -> None:
    assert found(shop(20), "lists", [3, 20], None, 5) == found(shop(0), "mean", [3, 20], None, 5)
