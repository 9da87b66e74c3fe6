"""The compiled path against the plain one: same candidates, same features, same list."""

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
        "search": st.sampled_from(["mean", "anchors"]),
        "search_candidates": st.integers(1, 40),
        "history_candidates": st.integers(0, 15),
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
    found = found_by_search(bundle, user_id, basket, request)
    eligible = set(range(N_ITEMS)) - set(basket)
    expected = plain.candidates(found, eligible, request["history_candidates"])
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


def found_by_search(
    bundle: Bundle, user_id: str | None, basket: list[int], request: dict[str, Any]
) -> set[int]:
    """What the lists hold, or what exact search finds by all queries or their mean."""
    count = request["search_candidates"]
    user = bundle.user_ids.row(user_id or "")
    d = bundle.dimension
    rows = bundle.item_vectors
    queries = np.zeros((len(basket), 2 * d + 1), np.float32)
    queries[:, :d], queries[:, d : 2 * d] = rows[basket, d : 2 * d], rows[basket, :d]
    if user is not None:
        queries[:, : 2 * d] += np.float32(WEIGHTS.user) * np.tile(bundle.user_h[user], 2)
    queries[:, 2 * d] = WEIGHTS.popularity
    listed: set[int] = set()
    if request["search"] == "anchors":
        count += max(0, request["history_candidates"] - bought(bundle, user))
        count = -(-count // len(basket))
        places = int(bundle.manifest.serving["places_per_candidate"])
        if places * count <= PLACES:
            return listed_for_the_user(bundle, basket, queries, count, places * count)
        listed = set(bundle.required("closest_item", "a test")[basket].ravel().tolist())
    else:
        queries = queries.mean(axis=0, keepdims=True)
    _, found = Exact(np.array(rows)).search(queries, count + len(basket))
    return listed | set(found.ravel().tolist())


def bought(bundle: Bundle, user: int | None) -> int:
    """How many items the user bought before."""
    if user is None:
        return 0
    return int(bundle.history_indptr[user + 1] - bundle.history_indptr[user])


def listed_for_the_user(
    bundle: Bundle, basket: list[int], queries: Float32, count: int, places: int
) -> set[int]:
    """The best of each basket item's list by its query and by neighbour weight."""
    best: set[int] = set()
    items, weights = (
        bundle.required("closest_item", "a test"),
        bundle.required("closest_weight", "a test"),
    )
    for anchor, query in zip(basket, queries, strict=True):
        scores = {
            int(item): float(query @ bundle.item_vectors[item] + WEIGHTS.neighbour * weight)
            for item, weight in zip(items[anchor][:places], weights[anchor], strict=False)
            if item >= 0 and item not in basket
        }
        best |= set(sorted(scores, key=lambda item: (-scores[item], item))[:count])
    return best
