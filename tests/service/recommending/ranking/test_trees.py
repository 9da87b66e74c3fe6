"""Trees small enough to evaluate by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.recommending.ranking.trees import MOST_LEAVES, Trees
from service.support.arrays.array_types import Float32

# Tree 1: x0 <= 1.5 ? (x1 <= 0 ? 1 : 2) : 10, with means 5 at the root and 1.5 below.
# Tree 2: always 0.25.
TREES = Trees(
    roots=np.array([0, 5], np.int32),
    feature=np.array([0, 1, -1, -1, -1, -1], np.int32),
    threshold=np.array([1.5, 0, 0, 0, 0, 0], np.float32),
    left=np.array([1, 2, 0, 0, 0, 0], np.int32),
    right=np.array([4, 3, 0, 0, 0, 0], np.int32),
    value=np.array([5, 1.5, 1, 2, 10, 0.25], np.float32),
)


def rows(*values: tuple[float, float]) -> Float32:
    return np.array(values, np.float32).reshape(-1, 2)


def test_at_most_goes_left_and_more_goes_right() -> None:
    found = TREES.predict(rows((1.5, 0), (1.5, 0.1), (1.6, 0), (-9, -9), (np.inf, -np.inf)))
    assert found.dtype == np.float32
    assert found.tolist() == [1.25, 2.25, 10.25, 1.25, 10.25]


def test_every_step_contributes_to_its_feature() -> None:
    parts = TREES.contributions(rows((0, 1), (2, 0)))
    assert parts.dtype == np.float32
    # x0 takes the mean from 5 to 1.5 and x1 from there to 2; the means of the roots are the bias.
    assert parts.tolist() == [[-3.5, 0.5, 5.25], [5, 0, 5.25]]


def test_no_candidates_have_no_scores() -> None:
    assert TREES.predict(rows()).shape == (0,)
    assert TREES.contributions(rows()).shape == (0, 3)


def comb(leaves: int) -> Trees:
    """One tree that compares x0 with 0, 1, 2, …; its leaves count the steps."""
    inner = leaves - 1
    return Trees(
        roots=np.array([0], np.int32),
        feature=np.array([*[0, -1] * inner, -1], np.int32),
        threshold=(np.arange(2 * inner + 1) / 2).astype(np.float32),
        left=np.arange(1, 2 * inner + 2, dtype=np.int32),
        right=np.arange(2, 2 * inner + 3, dtype=np.int32),
        value=(np.arange(2 * inner + 1) // 2).astype(np.float32),
    )


@given(st.integers(1, MOST_LEAVES), st.integers(-2, 40))
def test_every_leaf_can_be_reached(leaves: int, x: int) -> None:
    assert comb(leaves).predict(rows((x, 0))).tolist() == [min(max(x, 0), leaves - 1)]


@pytest.mark.parametrize("n", [15, 16, 17, 63, 64, 65, 200])
@pytest.mark.parametrize("leaves", [3, MOST_LEAVES])
def test_every_number_of_candidates_is_scored(n: int, leaves: int) -> None:
    x = np.arange(n) * 7 % 41
    features = np.stack([x, x], axis=1).astype(np.float32)
    assert comb(leaves).predict(features).tolist() == np.minimum(x, leaves - 1).tolist()


def test_more_leaves_than_a_mask_has_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 32 leaves"):
        comb(MOST_LEAVES + 1).predict(rows((0, 0)))


def test_the_order_in_memory_makes_no_difference() -> None:
    features = rows((0, 1), (2, 0), (1, 1))
    by_column = np.asfortranarray(features)
    assert TREES.predict(by_column).tolist() == TREES.predict(features).tolist()
    assert TREES.contributions(by_column).tolist() == TREES.contributions(features).tolist()


finite = st.floats(-1e6, 1e6, width=32)


@given(st.lists(st.tuples(finite, finite), max_size=9))
def test_contributions_sum_to_the_score(values: list[tuple[float, float]]) -> None:
    features = rows(*values)
    np.testing.assert_array_equal(
        TREES.contributions(features).sum(axis=1), TREES.predict(features)
    )
