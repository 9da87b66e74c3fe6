"""The recommender with a ranker: the promises of every answer hold for it too."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.bundle import Bundle, load_bundle, preview_bundle, write_bundle
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.settings import RecommendOptions
from tests.data.by_score import by_score
from tests.data.ranked_shop import N_ITEMS, WEIGHTS, ranked_contents
from tests.data.requests import a_request

Request = dict[str, Any]

USERS = [f"user-{user:02}" for user in range(24)]
ITEMS = [f"item-{item:02}" for item in range(N_ITEMS)]

item_ids = st.sampled_from([*ITEMS, "unheard-of", ""])
requests = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from([None, "stranger", *USERS[:4]]),
        "basket": st.lists(item_ids, max_size=40),
        "k": st.integers(1, 60),
        "exclude_items": st.lists(item_ids, max_size=10),
        "exclude_categories": st.lists(
            st.sampled_from(["department 1", "aisle 2", "shelf 3", "unheard-of", ""]), max_size=2
        ),
    }
)
services = st.fixed_dictionaries(
    {
        "anchor_limit": st.integers(1, 25),
        "search_candidates": st.integers(1, 50),
        "history_candidates": st.integers(0, 50),
        "search": st.sampled_from(["none", "mean", "anchors"]),
        "mmr_lambda": st.sampled_from([0.3, 1, 1]),
        "category_cap": st.sampled_from([0, 0, 3]),
    }
)


@pytest.fixture(scope="module")
def preview() -> Bundle:
    return preview_bundle(ranked_contents())


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    return load_bundle(write_bundle(tmp_path_factory.mktemp("bundles"), ranked_contents()))


def allowed(bundle: Bundle, request: Request) -> set[int]:
    catalogue = bundle.catalogue
    columns = (catalogue.departments, catalogue.categories, catalogue.subcategories)
    gone = {*request["basket"], *request["exclude_items"]}
    return {
        item
        for item, item_id in enumerate(catalogue.item_ids)
        if item_id not in gone
        and not any(n[item] in request["exclude_categories"] for n in columns if n[item])
    }


@settings(max_examples=150)
@given(request=requests, changes=services, data=st.data())
def test_the_promises_of_every_answer(
    loaded: Bundle, request: Request, changes: dict[str, Any], data: st.DataObject
) -> None:
    asked = Recommender(loaded, RecommendOptions(**changes))
    answer = asked.recommend(a_request(**request, explain=True))
    items = [each.item_index for each in answer.items]
    assert len(items) == len(set(items)) == min(request["k"], len(allowed(loaded, request)))
    assert set(items) <= allowed(loaded, request)
    for each in answer.items:
        reasons = each.reasons
        assert reasons is not None
        parts = reasons["basket"] + reasons["user"] + reasons["popularity"]
        assert parts == pytest.approx(each.score, rel=1e-4, abs=1e-4)
        assert reasons["anchor"] is None or reasons["anchor"] in request["basket"]
    scores = [each.score for each in answer.items]
    if changes["mmr_lambda"] == 1 and not changes["category_cap"]:
        assert scores == sorted(scores, reverse=True)
    assert_source(answer, request)

    assert asked.recommend(a_request(**request, explain=True)) == answer
    plain = asked.recommend(a_request(**request)).items
    assert plain == [each._replace(reasons=None) for each in answer.items]

    shuffled = data.draw(st.permutations(request["basket"] + request["basket"][:5]))
    assert (
        asked.recommend(a_request(**{**request, "basket": shuffled}, explain=True)).items
        == answer.items
    )


def assert_source(answer: Recommendations, request: Request) -> None:
    has_user, has_basket = request["user_id"] in USERS, bool({*request["basket"]} & {*ITEMS})
    names = [name for name, there in (("user", has_user), ("basket", has_basket)) if there]
    assert answer.source == ("+".join(names) or "popularity")
    lacks_user = request["user_id"] is not None and not has_user
    lacks_basket = bool(request["basket"]) and not has_basket
    assert answer.degraded == (lacks_user or lacks_basket)


# A sample of anchors depends on the id of the bundle, so the following take all of them.
ALL_ANCHORS = 100


@settings(max_examples=30)
@given(request=requests)
def test_a_bundle_on_disk_answers_as_its_preview(
    loaded: Bundle, preview: Bundle, request: Request
) -> None:
    answers = [
        Recommender(bundle, RecommendOptions(anchor_limit=ALL_ANCHORS)).recommend(
            a_request(**request, explain=True)
        )
        for bundle in (loaded, preview)
    ]
    assert answers[0] == answers[1]


@pytest.fixture(scope="module")
def bare() -> Bundle:
    """The same bundle without anything of the ranker's."""
    contents = ranked_contents()
    names = ("past_", "neighbour_", "closest_", "list_", "tree_", "item_trend", "item_rhythm")
    lacking: dict[str, Any] = {name: None for name in contents.present() if name.startswith(names)}
    assert len(lacking) == 21
    return preview_bundle(replace(contents, serving=WEIGHTS.write(), **lacking))


@settings(max_examples=30)
@given(request=requests)
def test_without_its_ranker_a_bundle_blends_as_one_that_has_none(
    loaded: Bundle, bare: Bundle, request: Request
) -> None:
    blending = Recommender(loaded, RecommendOptions(anchor_limit=ALL_ANCHORS, ranker=False))
    answer = Recommender(bare, RecommendOptions(anchor_limit=ALL_ANCHORS)).recommend(
        a_request(**request, explain=True)
    )
    assert blending.recommend(a_request(**request, explain=True)) == answer


@settings(max_examples=40)
@given(request=requests)
def test_without_a_basket_the_blend_answers(loaded: Bundle, request: Request) -> None:
    request = {**request, "basket": ["unheard-of"]}
    answer = Recommender(loaded, RecommendOptions()).recommend(a_request(**request))
    assert (
        Recommender(loaded, RecommendOptions(ranker=False)).recommend(a_request(**request))
        == answer
    )


def test_the_score_is_what_the_trees_make_of_the_features(loaded: Bundle) -> None:
    asked = Recommender(loaded, by_score())
    basket = ["item-03", "item-20", "item-41"]
    listed = asked.shortlist(a_request("user-05", basket, 0))
    candidates, features = listed.candidates, listed.features
    assert features is not None
    blended = Recommender(loaded, RecommendOptions(ranker=False)).shortlist(
        a_request("user-05", basket, 0)
    )
    assert blended.features is None
    assert len(blended.candidates.items) > 0
    answer = asked.recommend(a_request("user-05", basket, 20))
    assert {each.item_index for each in answer.items} <= set(candidates.items.tolist())
    assert answer.filled == 0
    ranked = {each.item_index: each.score for each in answer.items}
    best = min(ranked.values())
    assert len(set(ranked.values())) > 5
    others = Recommender(loaded, by_score()).recommend(a_request("user-05", basket, 60)).items[20:]
    assert all(each.score <= best for each in others)


def test_who_asked_before_and_who_asks_at_the_same_time_make_no_difference(
    loaded: Bundle,
) -> None:
    random = np.random.default_rng(0)
    asked = [
        a_request(str(random.choice([*USERS, "stranger"])), random.choice(ITEMS, 5).tolist(), 20)
        for _ in range(200)
    ]
    # Each from a recommender that nobody has asked anything before.
    fresh = [Recommender(loaded, RecommendOptions()).recommend(each) for each in asked[:30]]
    shared = Recommender(loaded, RecommendOptions())
    alone = [shared.recommend(each) for each in asked]
    assert alone[:30] == fresh
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(shared.recommend, asked)) == alone


def test_a_stranger_and_a_regular_get_different_answers(loaded: Bundle) -> None:
    asked = Recommender(loaded, RecommendOptions())
    answers = [
        asked.recommend(a_request(user, ["item-05"], 10)) for user in ("stranger", *USERS[:3])
    ]
    tops = [tuple(each.item_id for each in answer.items) for answer in answers]
    assert len(set(tops)) == 4
    pairs = [
        asked.recommend(a_request("stranger", [f"item-{i:02}"], 3)) for i in range(0, N_ITEMS, 2)
    ]
    hits = [
        f"item-{i + 1:02}" in {each.item_id for each in pair.items}
        for i, pair in zip(range(0, N_ITEMS, 2), pairs, strict=True)
    ]
    assert np.mean(hits) > 0.8  # items 2n and 2n + 1 go together
