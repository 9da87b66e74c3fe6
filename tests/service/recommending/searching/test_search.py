"""The forms of search, where their answers can be derived or must agree."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from index_builder.bundle.contents import with_closest
from service.bundle.bundle import Bundle, preview_bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.recommender import Recommender
from service.recommending.searching.search import Search
from service.settings import RecommendOptions, SearchForm
from service.support.arrays.array_types import Bool
from tests.data.ranked_shop import CONFIG, N_ITEMS, WEIGHTS, ranked_contents, shop
from tests.data.requests import a_request

FORMS: list[SearchForm] = ["mean", "anchors"]
EVERY = np.ones(N_ITEMS, np.bool_)


def listing(places: int, places_per_candidate: int = 1) -> Bundle:
    """The shop's bundle with lists of another length."""
    nothing: dict[str, Any] = dict.fromkeys(
        ("closest_item", "closest_weight", "list_queries", "list_anchor")
    )
    bare = replace(ranked_contents(), **nothing)
    index = CONFIG.index.model_copy(update={"closest": places, "ann_recall_target": 0})
    made = with_closest(bare, shop().encoded, CONFIG.model_copy(update={"index": index}))
    serving = {**made.serving, "places_per_candidate": places_per_candidate}
    return preview_bundle(replace(made, serving=serving))


def found(
    bundle: Bundle,
    form: SearchForm,
    anchors: list[int],
    user: str | None,
    wanted: int,
    eligible: Bool = EVERY,
) -> list[int]:
    search = Search(bundle, WEIGHTS)
    profile = BundleProfiles(bundle).get(user) if user else None
    items = search.find(form, np.array(anchors, np.int32), profile, eligible, wanted)
    assert items.dtype == np.int32
    listed: list[int] = items.tolist()
    return listed


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("places", [0, 4, N_ITEMS])
def test_a_user_without_a_basket_is_asked_for_and_nobody_is_not(
    form: SearchForm, places: int
) -> None:
    bundle = listing(places)
    assert found(bundle, form, [], "user-03", 5) == found(listing(0), "mean", [], "user-03", 5)
    assert len(found(bundle, form, [], "user-03", 5)) == 5
    assert found(bundle, form, [], None, 5) == []


def test_no_search_finds_nothing() -> None:
    assert found(listing(N_ITEMS), "none", [3, 20, 41], "user-03", 5) == []


def test_the_mean_is_searched_in_the_index() -> None:
    asked = found(listing(0), "mean", [3, 20, 41], "user-03", 5)
    assert len(asked) == 5 + 3
    assert found(listing(N_ITEMS), "mean", [3, 20, 41], "user-03", 5) == asked


def test_what_is_wanted_is_shared_among_the_anchors() -> None:
    assert len(found(listing(10), "anchors", [3, 20, 41], "user-03", 12)) == 3 * 4
    assert len(found(listing(10), "anchors", [3, 20, 41], None, 13)) == 3 * 5


def test_in_place_of_short_lists_the_index_is_searched_and_all_of_them_come_too() -> None:
    indexed = found(listing(0), "anchors", [3, 20], "user-03", 10)
    assert len(indexed) == 2 * (5 + 2)
    short = listing(4)
    lists = short.required("closest_item", "a test")[[3, 20]].ravel().tolist()
    assert found(short, "anchors", [3, 20], "user-03", 10) == indexed + lists


def test_lists_of_everything_hold_the_best_for_every_user() -> None:
    """But for the anchor, which no list of its own names."""
    bundle = replace(listing(N_ITEMS, N_ITEMS // 4), closest_weight=None)
    for user in ("user-03", "user-11", None):
        listed = found(bundle, "anchors", [3], user, 4)
        indexed = found(listing(0), "anchors", [3], user, 4)
        assert [item for item in indexed if item != 3][:4] == listed


def test_where_neighbours_count_for_much_those_with_the_largest_weight_come() -> None:
    bundle = listing(N_ITEMS, N_ITEMS // 4)
    search = Search(bundle, replace(WEIGHTS, neighbour=1e4))
    weights, items = (
        bundle.required(f"closest_{each}", "a test")[20] for each in ("weight", "item")
    )
    found = search.find("anchors", np.array([20], np.int32), None, EVERY, 4)
    assert set(found.tolist()) == set(items[np.argsort(-weights)[:4]].tolist())


def test_what_is_not_eligible_is_not_brought_from_the_lists() -> None:
    bundle, eligible = listing(N_ITEMS), EVERY.copy()
    first = found(bundle, "anchors", [3, 20], "user-03", 6)
    eligible[first] = False
    assert not set(first) & set(found(bundle, "anchors", [3, 20], "user-03", 6, eligible))


def test_asked_for_everything_every_form_of_search_ranks_alike() -> None:
    bundle = listing(6)
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
        assert answers[0] == answers[1]
