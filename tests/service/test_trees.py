"""Trees small enough to walk with a finger."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st

from service.trees import Trees

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


def rows(*values: tuple[float, float]) -> npt.NDArray[np.float32]:
    return np.array(values, np.float32).reshape(-1, 2)


def test_at_most_goes_left_and_more_goes_right() -> None:
    found = TREES.predict(rows((1.5, 0), (1.5, 0.1), (1.6, 0), (-9, -9), (np.inf, -np.inf)))
    assert found.dtype == np.float32
    assert found.tolist() == [1.25, 2.25, 10.25, 1.25, 10.25]


def test_every_step_is_booked_to_its_feature() -> None:
    parts = TREES.contributions(rows((0, 1), (2, 0)))
    assert parts.dtype == np.float32
    # x0 takes the mean from 5 to 1.5 and x1 from there to 2; the means of the roots are the bias.
    assert parts.tolist() == [[-3.5, 0.5, 5.25], [5, 0, 5.25]]


def test_no_candidates_have_no_scores() -> None:
    assert TREES.predict(rows()).shape == (0,)
    assert TREES.contributions(rows()).shape == (0, 3)


finite = st.floats(-1e6, 1e6, width=32)


@given(st.lists(st.tuples(finite, finite), max_size=9))
def test_contributions_sum_to_the_score(values: list[tuple[float, float]]) -> None:
    features = rows(*values)
    np.testing.assert_array_equal(
        TREES.contributions(features).sum(axis=1), TREES.predict(features)
    )
