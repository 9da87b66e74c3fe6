"""The compiled loops of basket completion, against the same in plain Python."""

from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.embeddings.completion_loops import (
    add_habit,
    softmax_slope,
    spread_given,
    step,
    sum_given,
)
from service.support.arrays.array_types import Bool, Float32, Float64, Int64
from service.support.arrays.offsets import offsets
from service.support.durations import DAY_S
from tests.data.encoded import encoded

# Two baskets of places. There are 4 choices; place 4 and 5 are given items that are no choice.
PLACES = np.array([0, 1, 4, 2, 3, 5, 0], np.int32)
HIDDEN = np.array([True, False, False, True, True, False, False])
INDPTR = offsets([3, 4])
N_CHOICES = 4

seeds = st.integers(0, 2**32 - 1)


def plain_loss(
    logits: Float64, correction: Float32, prior: Float64, habit: Float64, weights: list[float]
) -> float:
    """-log softmax of each hidden item, over the root of their number, given items left out."""
    loss = 0.0
    for basket, (start, stop) in enumerate(pairwise(INDPTR.tolist())):
        places, hidden = PLACES[start:stop].tolist(), HIDDEN[start:stop].tolist()
        wanted = [place for place, hid in zip(places, hidden, strict=True) if hid]
        shown = [place for place, hid in zip(places, hidden, strict=True) if not hid]
        logit = logits[basket] + weights[0] * prior + weights[1] * habit[basket]
        total = sum(
            exp(logit[choice] + (0 if choice in wanted else correction[choice]))
            for choice in range(N_CHOICES)
            if choice not in shown
        )
        loss -= sum(logit[place] - log(total) for place in wanted) / sqrt(len(wanted))
    return loss


@settings(max_examples=30)
@given(seed=seeds)
def test_the_slopes_are_those_of_the_softmax(seed: int) -> None:
    random = np.random.default_rng(seed)
    bare = random.standard_normal((2, N_CHOICES))
    correction, prior = random.random((2, N_CHOICES)).astype(np.float32)
    habit = random.random((2, N_CHOICES)).astype(np.float32)
    weights = [0.7, 1.3]

    def loss(logits: Float64, by: list[float]) -> float:
        return plain_loss(logits, correction, prior.astype(float), habit.astype(float), by)

    slopes = (bare + weights[0] * prior + weights[1] * habit).astype(np.float32)
    found, by_prior, by_habit = softmax_slope(
        PLACES, HIDDEN, INDPTR, correction, prior, habit, slopes
    )
    assert found == pytest.approx(loss(bare, weights), rel=1e-4)
    for place in np.ndindex(bare.shape):
        shift = np.zeros_like(bare)
        shift[place] = 1e-5
        slope = (loss(bare + shift, weights) - loss(bare - shift, weights)) / 2e-5
        assert slopes[place] == pytest.approx(slope, abs=1e-4)
    for weight, slope in ((0, by_prior), (1, by_habit)):
        more, less = ([*weights], [*weights])
        more[weight], less[weight] = weights[weight] + 1e-5, weights[weight] - 1e-5
        assert slope == pytest.approx((loss(bare, more) - loss(bare, less)) / 2e-5, abs=1e-3)


@given(seed=seeds)
def test_given_items_are_summed_swapped_and_their_slopes_find_the_way_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((6, 6)).astype(np.float32)
    factor = np.array([0.5, 2], np.float32)
    sums = np.zeros((2, 6), np.float32)
    sum_given(PLACES, HIDDEN, INDPTR, factor, rows, sums)
    swapped = np.hstack([rows[:, 3:], rows[:, :3]])
    wanted = np.array([0.5 * (swapped[1] + swapped[4]), 2 * (swapped[5] + swapped[0])])
    np.testing.assert_allclose(sums, wanted, rtol=1e-5, atol=1e-6)
    # A linear map and its adjoint: slope · map(rows) = adjoint(slope) · rows.
    slope = random.standard_normal((2, 6)).astype(np.float32)
    gradient = np.zeros((6, 6), np.float32)
    spread_given(PLACES, HIDDEN, INDPTR, factor, slope, gradient)
    assert np.vdot(slope, sums) == pytest.approx(np.vdot(gradient, rows), abs=1e-4)


def habit_of(basket: int, choices: list[int], n_items: int = 5) -> list[float]:
    """Of user 0, who buys at day 0, 60 and 120, and of user 1 between them."""
    world = encoded(
        [[0, 1], [0, 3], [2, 3], [0, 2]],
        users=[0, 0, 1, 0],
        begun=[0, 60 * DAY_S, 90 * DAY_S, 120 * DAY_S],
    )
    place_of = np.full(n_items, -1, np.int32)
    place_of[choices] = np.arange(len(choices))
    habit = np.zeros((1, len(choices)), np.float32)
    add_habit(
        np.array([basket]), world.basket_indptr, world.basket_items, world.basket_user,
        world.basket_begun, np.array([0, 3, 4]), np.array([0, 1, 3, 2]), np.array([0, 1, 0, 2]),
        place_of, habit,
    )  # fmt: skip
    values: list[float] = habit[0].tolist()
    return values


def test_a_habit_is_what_the_user_bought_before_halved_every_60_days() -> None:
    # On day 120 the baskets of day 0 and 60 weigh 1/4 and 1/2, together 3/4.
    wanted = [log(1 + 30 * share) for share in (1, 1 / 3, 0, 2 / 3, 0)]
    assert habit_of(3, [0, 1, 2, 3, 4]) == pytest.approx(wanted, rel=1e-5)
    assert habit_of(3, [3, 1]) == pytest.approx([wanted[3], wanted[1]], rel=1e-5)


@pytest.mark.parametrize("basket", [0, 2])
def test_a_first_basket_has_no_habit(basket: int) -> None:
    assert habit_of(basket, [0, 1, 2, 3, 4]) == [0] * 5


def test_a_step_is_adams_and_leaves_other_rows_alone() -> None:
    random = np.random.default_rng(0)
    before = random.standard_normal((4, 3)).astype(np.float32)
    table, first, second = before.copy(), np.zeros((4, 3), np.float32), np.zeros((4, 3), np.float32)
    rows: Int64 = np.array([2, 0])
    rate, decay = 0.1, 0.5
    plain, mean, square = before.astype(float), np.zeros((4, 3)), np.zeros((4, 3))
    for count in (1, 2):
        gradient = random.standard_normal((2, 3)).astype(np.float32)
        step(rows, gradient, count, np.float32(rate), np.float32(decay), table, first, second)
        slope = gradient + decay * plain[rows]
        mean[rows] = 0.9 * mean[rows] + 0.1 * slope
        square[rows] = 0.999 * square[rows] + 0.001 * slope**2
        root = np.sqrt(square[rows] / (1 - 0.999**count)) + 1e-8
        plain[rows] -= rate * mean[rows] / (1 - 0.9**count) / root
    np.testing.assert_allclose(table, plain, rtol=1e-4, atol=1e-5)
    untouched: Bool = ~np.isin(np.arange(4), rows)
    assert (table[untouched] == before[untouched]).all()
