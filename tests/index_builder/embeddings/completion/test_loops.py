"""The compiled loops of the model, against the same in plain Python."""

from itertools import pairwise
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.embeddings.completion.loops import add_swapped, softmax_slope
from service.support.arrays.array_types import Float32, Float64
from service.support.arrays.offsets import offsets

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
def test_rows_are_added_swapped_and_their_slopes_find_the_way_back(seed: int) -> None:
    random = np.random.default_rng(seed)
    rows = random.standard_normal((6, 6)).astype(np.float32)
    read, written = np.array([1, 4, 5, 0]), np.array([0, 0, 1, 1])
    weight = np.array([0.5, 0.5, 2, 2], np.float32)
    sums = random.standard_normal((2, 6)).astype(np.float32)
    before = sums.copy()
    add_swapped(rows, read, weight, written, sums)
    swapped = np.hstack([rows[:, 3:], rows[:, :3]])
    wanted = np.array([0.5 * (swapped[1] + swapped[4]), 2 * (swapped[5] + swapped[0])])
    np.testing.assert_allclose(sums, before + wanted, rtol=1e-5, atol=1e-5)
    # A linear map and its adjoint: slope · map(rows) = adjoint(slope) · rows.
    slope = random.standard_normal((2, 6)).astype(np.float32)
    gradient = np.zeros((6, 6), np.float32)
    add_swapped(slope, written, weight, read, gradient)
    assert np.vdot(slope, wanted) == pytest.approx(np.vdot(gradient, rows), abs=1e-4)
