"""Maximal marginal relevance, against its definition in plain Python."""

from typing import NamedTuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.recommending.postprocess.diversity import Mmr, diversify, inverse_norms
from service.support.arrays.array_types import Float32, Int32

Merits = dict[int, float]


class Pool(NamedTuple):
    """Candidates, best first, of a catalogue that holds others as well."""

    rows: Float32
    items: Int32
    scores: Float32
    codes: Int32

    def order(self, k: int, mmr_lambda: float, cap: int = 0, pool: int = 1000) -> list[int]:
        rows, scale = self.rows, inverse_norms(self.rows)
        mmr = Mmr(mmr_lambda, pool, cap, k)
        order = diversify(rows, scale, self.items, self.scores, self.codes, mmr)
        return [int(place) for place in order]


def pool_of(
    vectors: list[list[float]], scores: list[float], codes: list[int] | None = None
) -> Pool:
    n = len(vectors)
    rows = np.zeros((n, 3), np.float32)
    rows[:, :2] = vectors
    rows[:, 2] = np.arange(n)  # the prior, of which nothing may be seen
    return Pool(
        rows,
        np.arange(n, dtype=np.int32),
        np.array(scores, np.float32),
        np.array([-1] * n if codes is None else codes, np.int32),
    )


def random_pool(seed: int, n: int) -> Pool:
    random = np.random.default_rng(seed)
    n_items = n + 5
    rows = random.standard_normal((n_items, 5)).astype(np.float32)
    rows[random.random(n_items) < 0.1, :-1] = 0
    scores = -np.sort(-random.standard_normal(n)).astype(np.float32)
    items = random.permutation(n_items)[:n].astype(np.int32)
    return Pool(rows, items, scores, random.integers(-1, 4, n_items).astype(np.int32))


def by_definition(pool: Pool, taken: list[int], weight: float, cap: int, size: int) -> Merits:
    """The merit of every place that may be taken next."""
    vectors = pool.rows[pool.items, :-1].astype(float)
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    scores = pool.scores.astype(float)
    codes = pool.codes[pool.items].tolist()

    def merit(place: int) -> float:
        alike = max((float(unit[place] @ unit[other]) for other in taken), default=0.0)
        return weight * float(np.exp(scores[place] - scores[0])) - (1 - weight) * alike

    def fits(place: int) -> bool:
        same = [other for other in taken if codes[other] == codes[place]]
        return not cap or codes[place] < 0 or len(same) < cap

    return {
        place: merit(place)
        for place in range(min(size, len(scores)))
        if place not in taken and fits(place)
    }


@given(
    st.integers(0, 2**32 - 1),
    st.integers(0, 12),
    st.integers(0, 15),
    st.floats(0, 1, allow_subnormal=False),
    st.integers(0, 3),
    st.integers(0, 14),
)
def test_each_step_takes_the_largest_merit(
    seed: int, n: int, k: int, weight: float, cap: int, size: int
) -> None:
    pool = random_pool(seed, n)
    order = pool.order(k, weight, cap, size)
    assert sorted(order) == list(range(n))
    taken: list[int] = []
    for place in order[:k]:
        merits = by_definition(pool, taken, weight, cap, size)
        if not merits:
            break
        # Float32 rounds; what it takes is the largest but for that, and the next step follows it.
        assert merits[place] == pytest.approx(max(merits.values()), abs=1e-5)
        taken.append(place)
    assert order[len(taken) :] == [place for place in range(n) if place not in taken]


def test_by_hand() -> None:
    #                best    its twin  other way  between, and last
    pool = pool_of([[2, 0], [1, 0], [0, 3], [1, 1]], np.log([1, 0.9, 0.6, 0.2]).tolist())
    # Half and half, after the first: .45 - .5·1 against .3 - .5·0 against .1 - .5·.71.
    assert pool.order(4, 0.5) == [0, 2, 1, 3]
    assert pool.order(2, 0.5) == [0, 2, 1, 3]
    assert pool.order(2, 0.5, pool=2) == [0, 1, 2, 3]


def test_relevance_does_not_depend_on_what_else_is_in_the_pool() -> None:
    vectors, scores = [[2.0, 0.0], [1.0, 0.0], [0.0, 3.0]], [5.0, 4.9, 4.2]
    alone = pool_of(vectors, scores).order(3, 0.6)
    with_a_bad_one = pool_of([*vectors, [1.0, 0.0]], [*scores, -9.0]).order(3, 0.6)
    assert with_a_bad_one[:3] == alone == [0, 2, 1]


def test_lambda_one_keeps_the_order_and_zero_spreads() -> None:
    pool = pool_of([[1, 0], [1, 0.1], [1, -0.1], [-1, 0]], [4, 3, 2, 1])
    assert pool.order(4, 1.0) == [0, 1, 2, 3]
    assert pool.order(4, 0.0)[:2] == [0, 3]


def test_equal_scores_and_vectors_that_are_zero() -> None:
    assert pool_of([[0, 0]] * 3, [1] * 3).order(3, 0.5) == [0, 1, 2]


def test_the_cap_holds_while_places_are_taken() -> None:
    # All vectors are at right angles or opposite, so that relevance alone decides.
    pool = pool_of([[1, 0], [0, 1], [-1, 0], [0, -1]], [4, 3, 2, 1], codes=[7, 7, -1, -1])
    assert pool.order(4, 0.9)[:2] == [0, 1]
    assert pool.order(2, 0.9, cap=1) == [0, 2, 1, 3]
    assert pool.order(4, 0.9, cap=1) == [0, 2, 3, 1]


def test_inverse_norms_leave_the_prior_out() -> None:
    rows = np.array([[3, 4, 99], [0, 0, 5], [0, 2, 0]], np.float32)
    assert inverse_norms(rows).tolist() == pytest.approx([0.2, 0, 0.5])
