"""Sums of scores by hand."""

import numpy as np
import pytest

from index_builder.evaluation.baselines.blend import blend, weighted_sum
from index_builder.measuring.scorer import Scorer
from tests.data.held_out import basket


def fixed(*scores: float) -> Scorer:
    return lambda _: np.array(scores, np.float32)


FIRST, SECOND = fixed(0, 2, 4, 100), fixed(30, 0, 15, 0)


def test_a_weighted_sum_scales_nothing() -> None:
    assert weighted_sum(FIRST, SECOND)(basket([3])).tolist() == [30, 2, 19, 100]
    assert weighted_sum(FIRST, SECOND, 0.5)(basket([3])).tolist() == [15, 2, 11.5, 100]


def test_both_parts_reach_one_outside_the_basket() -> None:
    blended = blend(FIRST, SECOND)(basket([3]))
    assert blended[:3] == pytest.approx([1, 0.5, 1.5])


def test_the_weight_is_the_seconds() -> None:
    assert blend(FIRST, SECOND, 3)(basket([3]))[:3] == pytest.approx([3, 0.5, 2.5])
    assert blend(FIRST, SECOND, 0)(basket([3]))[:3] == pytest.approx([0, 0.5, 1])


def test_a_part_without_scores_leaves_the_order_to_the_other() -> None:
    assert blend(FIRST, fixed(0, 0, 0, 0))(basket([3]))[:3] == pytest.approx([0, 0.5, 1])
    assert np.isfinite(blend(FIRST, SECOND)(basket([0, 1, 2, 3]))).all()
