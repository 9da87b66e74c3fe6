"""The aggregator, on four items in two dimensions whose every score can be had by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.bundle import BundleError
from service.profiles.profile import Profile
from service.recommending.aggregate import (
    Weights,
    build_queries,
    closest_anchors,
    mean_query,
    merge_candidates,
    score_parts,
)
from service.support.array_types import Int32

#              p1 p2  q1 q2  prior
ROWS = np.array(
    [
        [1, 0, 0, 2, -1],
        [0, 1, 3, 0, -2],
        [1, 1, 1, -1, -3],
        [2, 0, -1, 1, -4],
    ],
    np.float32,
)
WEIGHTS = Weights(user=0.5, popularity=2, history=4)
NOBODY = np.array([], np.int32)


def shopper(**history: float) -> Profile:
    """A shopper with h = (1, 2) and a history of recencies by item, as `i3=0.1`."""
    items = sorted(int(name[1:]) for name in history)
    return Profile(
        user_h=np.array([1, 2], np.float32),
        items=np.array(items, np.int32),
        counts=np.ones(len(items), np.int32),
        recency=np.array([history[f"i{item}"] for item in items], np.float32),
        last=np.zeros(len(items), np.int64),
    )


def anchors(*items: int) -> Int32:
    return np.array(items, np.int32)


def test_a_query_holds_q_before_p_each_with_the_users_vector() -> None:
    queries = build_queries(ROWS, anchors(0, 1), shopper(i0=1).user_h, WEIGHTS)
    # Anchor 0: q = (0, 2), p = (1, 0); 0.5 h = (0.5, 1).
    assert queries.tolist() == [[0.5, 3, 1.5, 1, 2], [3.5, 1, 0.5, 2, 2]]
    assert queries.dtype == np.float32


def test_without_a_user_it_is_the_anchor_alone_and_without_anchors_the_user_alone() -> None:
    assert build_queries(ROWS, anchors(1), None, WEIGHTS).tolist() == [[3, 0, 0, 1, 2]]
    user_h = shopper(i0=1).user_h
    assert build_queries(ROWS, NOBODY, user_h, WEIGHTS).tolist() == [[0.5, 1, 0.5, 1, 2]]
    assert build_queries(ROWS, NOBODY, None, WEIGHTS).tolist() == [[0, 0, 0, 0, 2]]
    assert mean_query(ROWS, NOBODY, user_h, WEIGHTS).tolist() == [[0.5, 1, 0.5, 1, 2]]
    assert mean_query(ROWS, anchors(1), None, WEIGHTS).tolist() == [[3, 0, 0, 1, 2]]


def test_the_score_of_a_basket_of_two_by_hand() -> None:
    candidates = score_parts(ROWS, anchors(2, 3), anchors(0, 1), shopper(i3=0.1))
    # Item 2, p = (1, 1), q = (1, -1): with anchor 0  q0·p2 + p0·q2 = 2 + 1,
    #                                  with anchor 1  q1·p2 + p1·q2 = 3 - 1.
    # Item 3, p = (2, 0), q = (-1, 1): with anchor 0  0 - 1, with anchor 1  6 + 1.
    assert closest_anchors(ROWS, anchors(2, 3), anchors(0, 1)).tolist() == [0, 1]
    assert candidates.basket.tolist() == [2.5, 3]
    # h·(p + q), h = (1, 2): item 2 (2, 0), item 3 (1, 1).
    assert candidates.user.tolist() == [2, 3]
    assert candidates.popularity.tolist() == [-3, -4]
    assert candidates.history == pytest.approx([0, np.log(4)])  # log(1 + 30 · 0.1)
    assert candidates.items.tolist() == [2, 3]
    expected = [2.5 + 0.5 * 2 - 2 * 3, 3 + 0.5 * 3 - 2 * 4 + 4 * np.log(4)]
    assert candidates.score(WEIGHTS) == pytest.approx(expected)


def test_parts_that_are_not_there_are_zero() -> None:
    stranger = score_parts(ROWS, anchors(1, 2), anchors(0), None)
    assert stranger.user.tolist() == stranger.history.tolist() == [0, 0]
    empty = score_parts(ROWS, anchors(1, 2), NOBODY, shopper(i1=0.5))
    assert empty.basket.tolist() == [0, 0]
    nothing = score_parts(ROWS, NOBODY, anchors(0, 1), shopper(i1=0.5))
    assert nothing.score(WEIGHTS).shape == (0,)


vectors = st.integers(1, 6).flatmap(
    lambda d: st.tuples(st.just(d), st.integers(0, 2**32 - 1), st.integers(1, 4))
)


@given(vectors, st.booleans(), st.floats(0, 4), st.floats(0, 4))
def test_the_index_is_searched_for_the_score_itself(
    world: tuple[int, int, int], known: bool, user: float, popularity: float
) -> None:
    d, seed, n_anchors = world
    random = np.random.default_rng(seed)
    rows = random.standard_normal((9, 2 * d + 1)).astype(np.float32)
    profile = Profile(
        user_h=random.standard_normal(d).astype(np.float32),
        items=np.arange(2, dtype=np.int32),
        counts=np.ones(2, np.int32),
        recency=np.ones(2, np.float32),
        last=np.zeros(2, np.int64),
    )
    weights = Weights(user=user, popularity=popularity, history=0)
    basket, buyer = np.arange(n_anchors, dtype=np.int32), profile if known else None
    items = np.arange(9, dtype=np.int32)
    queries = build_queries(rows, basket, profile.user_h if known else None, weights)
    mean = mean_query(rows, basket, profile.user_h if known else None, weights)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, queries.mean(axis=0, keepdims=True), rtol=1e-4, atol=1e-5)
    # Without history the blended score is the mean inner product over the queries of the basket.
    scores = score_parts(rows, items, basket, buyer).score(weights)
    np.testing.assert_allclose((queries @ rows.T).mean(axis=0), scores, rtol=1e-4, atol=1e-4)


def test_candidates_of_all_queries_and_of_the_history_are_merged_once_each() -> None:
    found = np.array([5, 2, -1, 2, 7, -1], np.int32)
    assert merge_candidates(found, shopper(i2=0.1, i9=0.2), 10).tolist() == [2, 5, 7, 9]
    assert merge_candidates(found, None, 10).tolist() == [2, 5, 7]
    assert merge_candidates(found, shopper(i9=0.2), 0).tolist() == [2, 5, 7]


def test_only_what_is_bought_most_of_late_comes_from_a_long_history() -> None:
    nothing = np.full(3, -1, np.int32)
    profile = shopper(i1=0.1, i2=0.4, i3=0.2, i4=0.3)
    assert merge_candidates(nothing, profile, 2).tolist() == [2, 4]
    assert merge_candidates(nothing, profile, 4).tolist() == [1, 2, 3, 4]


def test_nothing_found_and_nobody_known_gives_no_candidates() -> None:
    assert merge_candidates(np.empty(0, np.int32), None, 10).tolist() == []
    assert merge_candidates(np.full((2, 2), -1, np.int32), None, 10).tolist() == []


def test_weights_survive_the_manifest() -> None:
    other = Weights(user=0, popularity=0, history=0)
    serving = WEIGHTS.write() | other.write("vectors_")
    assert Weights.read(serving) == WEIGHTS
    assert Weights.read(serving, "vectors_") == other


@pytest.mark.parametrize(
    "serving",
    [
        {"user_weight": 1.0, "popularity_weight": 1.0},
        {"user_weight": 1.0, "popularity_weight": "much", "history_weight": 1.0},
    ],
)
def test_a_manifest_without_the_weights_is_refused(serving: dict[str, float | str]) -> None:
    with pytest.raises(BundleError, match=r"serving: expected .*history_weight, found .*Build"):
        Weights.read(serving)
