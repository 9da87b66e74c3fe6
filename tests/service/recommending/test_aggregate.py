"""The aggregator, on four items in two dimensions whose every score can be had by hand."""

from math import log1p

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.profiles.profile import Profile
from service.recommending.aggregate import closest_anchors, score_parts
from service.recommending.searching.queries import build_queries, mean_query
from service.recommending.weights import Weights
from service.support.arrays.array_types import Int32

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


def test_with_an_exponent_of_a_half_a_basket_of_two_counts_root_two_times_its_mean() -> None:
    candidates = score_parts(ROWS, anchors(2, 3), anchors(0, 1), None, 0.5)
    assert candidates.basket == pytest.approx([2.5 * np.sqrt(2), 3 * np.sqrt(2)])


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


@given(vectors, st.booleans(), st.floats(0, 4), st.floats(0, 4), st.floats(0, 1))
def test_the_index_is_searched_for_the_score_itself(
    world: tuple[int, int, int], known: bool, user: float, popularity: float, exponent: float
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
    weights = Weights(user, popularity, history=0, basket_exponent=exponent)
    basket, buyer = np.arange(n_anchors, dtype=np.int32), profile if known else None
    items = np.arange(9, dtype=np.int32)
    queries = build_queries(rows, basket, profile.user_h if known else None, weights)
    mean = mean_query(rows, basket, profile.user_h if known else None, weights)
    assert mean.dtype == np.float32
    np.testing.assert_allclose(mean, queries.mean(axis=0, keepdims=True), rtol=1e-4, atol=1e-5)
    # Without history the blended score is the mean inner product over the queries of the basket.
    scores = score_parts(rows, items, basket, buyer, exponent).score(weights)
    np.testing.assert_allclose((queries @ rows.T).mean(axis=0), scores, rtol=1e-4, atol=1e-4)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 999),
    asked=st.sets(st.integers(0, 7)),
    bought=st.sets(st.integers(0, 7)),
    anchors=st.sets(st.integers(0, 7)),
)
def test_scores_of_candidates(
    seed: int, asked: set[int], bought: set[int], anchors: set[int]
) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((8, 7)).astype(np.float32)  # p of 3, q of 3, the prior
    user_h = random.standard_normal(3).astype(np.float32)
    items, past, basket = (np.array(sorted(each), np.int32) for each in (asked, bought, anchors))
    recency = random.random(len(past)).astype(np.float32)
    swapped = rows[basket][:, [3, 4, 5, 0, 1, 2]]
    expected_mean = swapped.mean(axis=0) if len(basket) else np.zeros(6)
    profile = Profile(user_h, past, np.ones_like(past), recency, np.zeros(len(past), np.int64))
    found = score_parts(rows, items, basket, profile)
    own = dict(zip(past.tolist(), recency.tolist(), strict=True))
    expected = [
        rows[items, :6] @ expected_mean,
        rows[items, :3] @ user_h + rows[items, 3:6] @ user_h,
        rows[items, 6],
        [log1p(30 * own.get(item, 0)) for item in items.tolist()],
    ]
    assert found.items is items
    np.testing.assert_allclose(np.stack(found[1:]), np.stack(expected), rtol=1e-4, atol=1e-5)
