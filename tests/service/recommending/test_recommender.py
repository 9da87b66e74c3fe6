"""The recommender: promises that hold for every request, and answers that anyone can derive."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.bundle import Bundle
from service.business_rules.files import RuleFiles
from service.business_rules.rulebook import Rulebook
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.recommending.weights import Weights
from service.settings import RecommendOptions
from tests.data.asked_shop import (
    BACKENDS,
    BUNDLES,
    CATALOGUE,
    WEIGHTS,
    ask,
    ids,
    recommender,
)
from tests.data.by_score import by_score
from tests.data.requests import a_request
from tests.data.tiny_bundle import N_ITEMS

STAGES = ["lookup", "anchors", "search", "aggregate", "rank", "postprocess"]


def known(items: list[str]) -> set[int]:
    return {CATALOGUE.index[item] for item in items if item in CATALOGUE.index}


def eligible(request: RecommendRequest, excluded: set[str]) -> list[int]:
    """What a request may be answered with, from its definition."""
    gone = {*request.basket, *request.exclude_items, *excluded}
    columns = (CATALOGUE.departments, CATALOGUE.categories, CATALOGUE.subcategories)
    return [
        item
        for item, item_id in enumerate(CATALOGUE.item_ids)
        if item_id not in gone
        and not any(names[item] in request.exclude_categories for names in columns if names[item])
    ]


users = st.sampled_from([None, "user-0", "user-2", "user-4", "user-5", "stranger"])
item_ids = st.sampled_from([*CATALOGUE.item_ids, "unheard-of", ""])
requests = st.builds(
    RecommendRequest,
    user_id=users,
    basket=st.lists(item_ids, max_size=50),
    k=st.integers(1, 60),
    exclude_items=st.lists(item_ids, max_size=10),
    exclude_categories=st.lists(
        st.sampled_from(["bakery", "garden", "shelf 1", "shelf 3", "unheard-of", ""]), max_size=2
    ),
)
services = st.fixed_dictionaries(
    {
        "anchor_limit": st.integers(1, 25),
        "anchor_fraction": st.floats(0.05, 1),
        "search_candidates": st.integers(1, 50),
        "history_candidates": st.integers(0, 8),
        "mmr_lambda": st.sampled_from([0, 0.3, 1, 1]),
        "mmr_pool": st.integers(1, 50),
        "category_cap": st.sampled_from([0, 0, 1, 3, 10]),
    }
)


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory: pytest.TempPathFactory) -> Rulebook | None:
    path = tmp_path_factory.mktemp("shop") / "rules.yaml"
    path.write_text(
        "rules:\n"
        "- {name: two items, action: exclude, item: [item-0, item-7]}\n"
        "- {name: a shelf, action: exclude, category: shelf 2}\n"
        "- {name: garden, action: boost, factor: 2.5, category: garden}\n"
    )
    return RuleFiles(CATALOGUE, path, None).rulebook


SHELF_2 = {f"item-{item}" for item in range(16, 24) if item % 5}
EXCLUDED = {"item-0", "item-7"} | SHELF_2


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=150)
@given(request=requests, changes=services, with_rules=st.booleans())
def test_the_promises_of_every_answer(
    backend: str,
    rulebook: Rulebook | None,
    request: RecommendRequest,
    changes: dict[str, Any],
    with_rules: bool,
) -> None:
    asked, in_force = recommender(backend, **changes), rulebook if with_rules else None
    answer = ask(asked, request, explain=True, rulebook=in_force)
    allowed = eligible(request, EXCLUDED if with_rules else set())

    items = [each.item_index for each in answer.items]
    assert len(items) == len(set(items)) == min(request.k, len(allowed))
    assert set(items) <= set(allowed)
    assert answer.candidates >= len(items)
    assert 0 <= answer.filled <= answer.candidates
    assert_describes(answer)
    assert_explains(answer, request)
    assert_degrades(answer, request)
    if changes["mmr_lambda"] == 1 and not changes["category_cap"]:
        scores = [each.score for each in answer.items]
        assert scores == sorted(scores, reverse=True)
    if changes["category_cap"]:
        assert_capped(items, allowed, changes["category_cap"], request.k)

    assert ask(asked, request, explain=True, rulebook=in_force) == answer
    assert ids(ask(asked, request, rulebook=in_force)) == ids(answer)


def assert_describes(answer: Recommendations) -> None:
    for each in answer.items:
        assert CATALOGUE.item_ids[each.item_index] == each.item_id
        assert CATALOGUE.names[each.item_index] == each.name
        assert CATALOGUE.categories[each.item_index] == each.category
        assert np.isfinite(each.score)


def assert_explains(answer: Recommendations, request: RecommendRequest) -> None:
    for each in answer.items:
        reasons = each.reasons
        assert reasons is not None
        parts = reasons["basket"] + reasons["user"] + reasons["popularity"]
        assert parts == pytest.approx(each.score, rel=1e-4, abs=1e-4)
        if known(request.basket):
            assert reasons["anchor"] in request.basket
        else:
            assert reasons["anchor"] is None
            assert reasons["basket"] == 0
        if not answer.source.startswith("user"):
            assert reasons["user"] == 0


def assert_degrades(answer: Recommendations, request: RecommendRequest) -> None:
    has_user = request.user_id in {f"user-{u}" for u in range(5)}  # user-5 has bought nothing
    has_basket = bool(known(request.basket))
    expected = {
        (True, True): "user+basket",
        (False, True): "basket",
        (True, False): "user",
        (False, False): "popularity",
    }
    assert answer.source == expected[has_user, has_basket]
    lacks_user = request.user_id is not None and not has_user
    lacks_basket = bool(request.basket) and not has_basket
    assert answer.degraded == (lacks_user or lacks_basket)
    unknown = [item for item in request.basket if item not in CATALOGUE.index]
    assert answer.unknown_items == list(dict.fromkeys(unknown))


def assert_capped(items: list[int], allowed: list[int], cap: int, k: int) -> None:
    """No category beyond the cap, whenever the catalogue has k items within it."""
    by_category = Counter(CATALOGUE.categories[item] for item in allowed)
    room = sum(n if not name else min(n, cap) for name, n in by_category.items())
    if room >= k:
        counts = Counter(CATALOGUE.categories[item] for item in items)
        assert all(n <= cap for name, n in counts.items() if name)


@pytest.mark.parametrize("backend", BACKENDS)
@settings(max_examples=50)
@given(request=requests, changes=services, data=st.data())
def test_neither_order_nor_repetition_in_the_basket_counts(
    backend: str, request: RecommendRequest, changes: dict[str, Any], data: st.DataObject
) -> None:
    asked = recommender(backend, **changes)
    again = data.draw(st.lists(st.sampled_from(request.basket or ["item-0"]), max_size=9))
    basket = data.draw(st.permutations(request.basket + (again if request.basket else [])))
    shuffled = request.model_copy(update={"basket": basket})
    answer, other = ask(asked, request, explain=True), ask(asked, shuffled, explain=True)
    assert answer.items == other.items
    assert (answer.source, answer.degraded) == (other.source, other.degraded)
    assert set(answer.unknown_items) == set(other.unknown_items)


def score_of_everything(bundle: Bundle, user: int | None, basket: list[int]) -> Any:
    """The blended score of the whole catalogue, term by term in float64."""
    d, rows = bundle.dimension, bundle.item_vectors.astype(float)
    p, q, prior = rows[:, :d], rows[:, d : 2 * d], rows[:, 2 * d]
    score = WEIGHTS.popularity * prior
    if basket:
        score = score + np.mean([p @ q[i] + q @ p[i] for i in basket], axis=0)
    if user is not None:
        h, recency = bundle.user_h[user].astype(float), np.zeros(len(rows))
        own = slice(bundle.history_indptr[user], bundle.history_indptr[user + 1])
        recency[bundle.history_item[own]] = bundle.history_recency[own]
        score = score + WEIGHTS.user * (p + q) @ h + WEIGHTS.history * np.log1p(30 * recency)
    return score


@pytest.mark.parametrize("backend", BACKENDS)
@given(
    user=st.none() | st.integers(0, 4),
    basket=st.sets(st.integers(0, N_ITEMS - 1), max_size=20),
    k=st.integers(1, 15),
)
def test_the_answer_is_the_best_of_the_whole_catalogue_by_the_score_on_paper(
    backend: str, user: int | None, basket: set[int], k: int
) -> None:
    bundle = BUNDLES[backend]
    scores = score_of_everything(bundle, user, sorted(basket))
    order = sorted(set(range(N_ITEMS)) - basket, key=lambda item: -scores[item])[:k]
    request = a_request(
        None if user is None else f"user-{user}", [f"item-{item}" for item in basket], k
    )
    answer = ask(recommender(backend), request)
    np.testing.assert_allclose([each.score for each in answer.items], scores[order], atol=1e-4)
    got = [each.item_index for each in answer.items]
    np.testing.assert_allclose(scores[got], scores[order], atol=1e-4)


def test_the_anchor_of_a_reason_is_the_one_that_contributed_most() -> None:
    bundle, basket = BUNDLES["exact"], [2, 3, 11, 20]
    answer = ask(recommender(), a_request(None, [f"item-{i}" for i in basket], 36), explain=True)
    d = bundle.dimension
    p, q = bundle.item_vectors[:, :d], bundle.item_vectors[:, d : 2 * d]
    for each in answer.items:
        parts = [p[each.item_index] @ q[i] + q[each.item_index] @ p[i] for i in basket]
        assert each.reasons is not None
        assert each.reasons["anchor"] == f"item-{basket[int(np.argmax(parts))]}"


@pytest.mark.parametrize("backend", BACKENDS)
@pytest.mark.parametrize(("anchor", "user"), [(0, "user-0"), (1, "user-4"), (10, None)])
def test_a_basket_gets_its_own_aisle(backend: str, anchor: int, user: str | None) -> None:
    answer = ask(recommender(backend), a_request(user, [f"item-{anchor}"], 15))
    assert {each.item_index % 2 for each in answer.items} == {anchor % 2}


def test_with_neither_user_nor_basket_the_best_sellers_in_order() -> None:
    answer = ask(recommender(), a_request(k=7))
    assert ids(answer) == [f"item-{item}" for item in range(7)]
    assert (answer.source, answer.degraded) == ("popularity", False)
    assert (answer.candidates, answer.filled) == (7, 7)


def test_a_basket_of_everything_leaves_nothing() -> None:
    answer = ask(recommender(), a_request("user-0", CATALOGUE.item_ids, 5))
    assert (answer.items, answer.candidates, answer.source) == ([], 0, "user+basket")


@pytest.mark.parametrize("k", [N_ITEMS, N_ITEMS + 1, 10**6])
def test_k_beyond_the_catalogue_gives_all_of_it(k: int) -> None:
    for backend in BACKENDS:
        answer = ask(recommender(backend), a_request("user-0", ["item-0"], k))
        assert len(answer.items) == N_ITEMS - 1


@pytest.mark.parametrize(
    "request_",
    [
        a_request(),
        a_request("user-0"),
        a_request(None, ["item-0"]),
        a_request("?", ["?"], 3, exclude_categories=["SHOP"]),
    ],
)
def test_every_stage_is_timed_once_in_order(request_: RecommendRequest) -> None:
    laps: list[tuple[str, float]] = []
    Recommender(BUNDLES["exact"]).recommend(request_, observe=lambda *lap: laps.append(lap))
    assert [stage for stage, _ in laps] == STAGES
    assert all(seconds >= 0 for _, seconds in laps)


def test_weights_given_stand_before_those_of_the_manifest() -> None:
    bundle = BUNDLES["exact"]
    only_popularity = Weights(user=0, popularity=1, history=0)
    asked = Recommender(bundle, by_score(), only_popularity)
    assert ids(ask(asked, a_request("user-3", [], 5))) == CATALOGUE.item_ids[:5]


@given(
    user=st.integers(0, 4),
    basket=st.sets(st.integers(0, N_ITEMS - 1), max_size=10),
    weights=st.builds(
        Weights, user=st.floats(0, 2), popularity=st.floats(0, 2), history=st.just(1)
    ),
)
def test_candidates_score_as_the_answer_does(user: int, basket: set[int], weights: Weights) -> None:
    asked = Recommender(BUNDLES["exact"], RecommendOptions(search_candidates=N_ITEMS), weights)
    given_ids = [f"item-{item}" for item in sorted(basket)]
    candidates = asked.shortlist(a_request(f"user-{user}", given_ids, 0)).candidates
    assert not set(candidates.items.tolist()) & basket
    by_item = dict(zip(candidates.items.tolist(), candidates.score(weights).tolist(), strict=True))
    for each in ask(asked, a_request(f"user-{user}", given_ids)).items:
        assert by_item[each.item_index] == pytest.approx(each.score, abs=1e-5)
