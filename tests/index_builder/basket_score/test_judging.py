"""Judging: figures that anyone can derive, and a shop whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.basket_score import judge_score
from index_builder.basket_score.judging import Judged, reliability, roc_auc, roc_curve
from tests.data.scored_shop import scored_bundle, unscored

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
    positives: np.ndarray[tuple[int], np.dtype[np.float64]],
    negatives: np.ndarray[tuple[int], np.dtype[np.float64]],
) -> None:
    wins = (positives[:, None] > negatives) + 0.5 * (positives[:, None] == negatives)
    assert roc_auc(positives, negatives) == pytest.approx(wins.mean())
    false_alarms, found = roc_curve(positives, negatives)
    assert (false_alarms[0], found[0], false_alarms[-1], found[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(found, false_alarms) == pytest.approx(wins.mean())


def test_what_comes_as_often_as_promised_has_no_error() -> None:
    log_odds = np.repeat([-np.log(3), np.log(3)], 40)  # 1/4 and 3/4
    real = np.tile([True, False, False, False], 20)
    real[40:] = ~real[40:]
    assert reliability(log_odds, real).expected_error == pytest.approx(0)
    assert reliability(log_odds, ~real).expected_error == pytest.approx(0.5)


def test_half_of_a_mix_is_real() -> None:
    judged = Judged(np.array([1.0, 2]), np.array([3.0, 4]), np.array([5.0, 6]))
    values, real = judged.all_kinds()
    assert sorted(values[real]) == [1, 1, 2, 2]
    assert sorted(values[~real]) == [3, 4, 5, 6]
    alone, real = judged.real_and_swapped()
    assert sorted(alone[real]) == [1, 2]
    assert sorted(alone[~real]) == [5, 6]


def test_in_a_shop_of_loyal_shoppers_the_score_knows() -> None:
    found = judge_score(scored_bundle(), unscored()[1][:100], seed=1)
    assert found is not None
    assert len(found.users) == 100
    assert found.share.foreign_auc == 1
    assert found.personal.foreign_auc > 0.99
    assert found.personal.swapped_auc > 0.99
    assert found.population.swapped_auc > 0.99
    few = found.of(found.users == found.users[0])
    assert len(few.users) == len(few.personal.real) == (found.users == found.users[0]).sum()


def test_nobody_to_compare_with_is_no_judgement() -> None:
    baskets = unscored()[1]
    assert judge_score(scored_bundle(), [replace(baskets[0])], seed=1) is None
