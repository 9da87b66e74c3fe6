"""The compiled path against the plain one: same candidates, same features, same list."""

from collections import Counter
from functools import cache
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.bundle import Bundle, preview_bundle
from service.recommending.ranking.features import FEATURES
from service.recommending.recommender import Recommender
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32
from tests.data.by_score import by_score
from tests.data.plain_ranking import PlainRanking, walk
from tests.data.ranked_shop import N_ITEMS, PLACES, WEIGHTS, ranked_contents
from tests.data.requests import a_request

USERS = [None, "stranger", *(f"user-{user:02}" for user in range(6))]

requests = st.fixed_dictionaries(
    {
        "user_id": st.sampled_from(USERS),
        "basket": st.sets(st.integers(0, N_ITEMS - 1), min_size=1, max_size=30),
        "search": st.sampled_from(["lists", "mean", "anchors"]),
        "search_candidates": st.integers(1, 12),
        "past_candidates": st.integers(0, 15),
        "neighbour_candidates": st.integers(0, 9),
    }
)


@cache
def shop() -> Bundle:
    return preview_bundle(ranked_contents())


@settings(max_examples=60)
@given(request=requests)
def test_candidates_features_scores_and_order(request: dict[str, Any]) -> None:
    bundle = shop()
    user_id, basket = request.pop("user_id"), sorted(request.pop("basket"))
    item_ids = bundle.catalogue.item_ids
    asked = Recommender(bundle, by_score(anchor_limit=N_ITEMS, **request))
    listed = asked.shortlist(a_request(user_id, [item_ids[item] for item in basket], 0))
    candidates, features = listed.candidates, listed.features
    assert features is not None

    plain = PlainRanking(bundle, user_id, basket)
    found = found_by_the_vectors(bundle, user_id, basket, request)
    eligible = set(range(N_ITEMS)) - set(basket)
    expected = plain.candidates(
        found, eligible, request["past_candidates"], request["neighbour_candidates"]
    )
    assert candidates.items.tolist() == sorted(expected)

    parts = zip(candidates.basket, candidates.user, candidates.popularity, strict=True)
    for item, row, part in zip(candidates.items.tolist(), features, parts, strict=True):
        named = plain.features(item, part)
        assert list(named) == list(FEATURES)
        np.testing.assert_allclose(row, [*named.values()], rtol=2e-4, atol=1e-5)

    scores = [walk(bundle, row) for row in features]
    best = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    k = min(request["search_candidates"], len(best))  # more would have more searched for
    answer = asked.recommend(a_request(user_id, [item_ids[item] for item in basket], k))
    by_item = dict(zip(candidates.items.tolist(), scores, strict=True))
    assert [each.score for each in answer.items] == pytest.approx(
        [scores[place] for place in best[:k]], rel=1e-5, abs=1e-5
    )
    for each in answer.items:
        assert by_item[each.item_index] == pytest.approx(each.score, rel=1e-5, abs=1e-5)


def found_by_the_vectors(
    bundle: Bundle, user_id: str | None, basket: list[int], request: dict[str, Any]
) -> set[int]:
    """What the lists name most, or what exact search finds by all queries or their mean."""
    count = request["search_candidates"]
    user = bundle.user_index.get(user_id or "")
    if request["search"] == "lists" and user is not None:
        named = plain_named_most(bundle, basket)
        if len(named) >= count:
            return set(named[:count])
    d = bundle.dimension
    rows = bundle.item_vectors
    queries = np.zeros((len(basket), 2 * d + 1), np.float32)
    queries[:, :d], queries[:, d : 2 * d] = rows[basket, d : 2 * d], rows[basket, :d]
    if user is not None:
        queries[:, : 2 * d] += np.float32(WEIGHTS.user) * np.tile(bundle.user_h[user], 2)
    queries[:, 2 * d] = WEIGHTS.popularity
    if request["search"] == "anchors" and user is not None:
        count = -(-count // len(basket))
        if 4 * count <= PLACES:
            return listed_for_the_shopper(bundle, basket, queries, count)
    else:
        queries = queries.mean(axis=0, keepdims=True)
    _, found = Exact(np.array(rows)).search(queries, count + len(basket))
    return set(found.ravel().tolist())


def listed_for_the_shopper(
    bundle: Bundle, basket: list[int], queries: Float32, count: int
) -> set[int]:
    """The best of each basket item's list by the inner product with its query."""
    best: set[int] = set()
    for anchor, query in zip(basket, queries, strict=True):
        listed = bundle.required("closest_item", "a test")[anchor].tolist()[: 4 * count]
        listed = [item for item in listed if item >= 0 and item not in basket]
        scores = {item: float(query @ bundle.item_vectors[item]) for item in listed}
        best |= set(sorted(listed, key=lambda item: (-scores[item], item))[:count])
    return best


def plain_named_most(bundle: Bundle, basket: list[int]) -> list[int]:
    """Borda's count over the basket items' lists, most points first."""
    points: Counter[int] = Counter()
    for anchor in basket:
        listed = bundle.required("closest_item", "a test")[anchor].tolist()
        for place, item in enumerate(listed):
            if item >= 0 and item not in basket:
                points[item] += len(listed) - place
    return sorted(points, key=lambda item: (-points[item], item))
