"""The area under the curve, in cases that anyone can derive, and against its definition."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.measuring.roc import roc_auc, roc_curve
from service.support.arrays.array_types import Float64

NUMBERS = st.lists(st.integers(-3, 3).map(float), min_size=1, max_size=30).map(np.array)


@pytest.mark.parametrize(
    ("positives", "negatives", "expected"),
    [([2, 3], [0, 1], 1), ([0, 1], [2, 3], 0), ([1], [1], 0.5), ([0, 2], [1, 1], 0.5)],
)
def test_auc_is_the_chance_of_a_positive_above_a_negative(
    positives: list[float], negatives: list[float], expected: float
) -> None:
    assert roc_auc(np.array(positives), np.array(negatives)) == expected


@given(positives=NUMBERS, negatives=NUMBERS)
def test_auc_is_the_area_under_the_curve(
    positives: Float64,
    negatives: Float64,
) -> None:
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    assert roc_auc(positives, negatives) == pytest.approx(wins.mean())
    false_alarms, found = roc_curve(positives, negatives)
    assert (false_alarms[0], found[0], false_alarms[-1], found[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(found, false_alarms) == pytest.approx(wins.mean())
