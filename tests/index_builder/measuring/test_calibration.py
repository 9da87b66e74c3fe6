"""Calibration, on scores of which the odds are known."""

from math import log

import numpy as np
import pytest

from index_builder.measuring.calibration import Calibration, Curve, calibrate
from service.support.arrays.array_types import Bool, Float64

# Every user sees 20 recommendations: ten with score 0, half of them right, and ten with
# score log(4), eight of them right. So the log-odds are the score.
SCORES = np.tile(np.repeat([0, log(4)], 10), (60, 1))
HITS = np.tile(np.arange(20) % 10 < np.repeat([5, 8], 10), (60, 1))
USERS = np.arange(60, dtype=np.int32)


def calibrated(scores: Float64) -> Calibration:
    calibration = calibrate(USERS, scores, HITS, seed=0)
    assert calibration is not None
    return calibration


def test_scores_that_are_log_odds_are_found_to_be() -> None:
    calibration = calibrated(SCORES)
    assert calibration.curve.intercept == pytest.approx(0, abs=0.02)
    assert calibration.curve.slope == pytest.approx(1, abs=0.02)
    assert calibration.expected_error == pytest.approx(0, abs=0.005)
    assert [each.expected for each in calibration.bins[:5]] == pytest.approx([0.5] * 5, abs=0.01)
    assert [each.expected for each in calibration.bins[5:]] == pytest.approx([0.8] * 5, abs=0.01)


def test_the_curve_undoes_any_scale_and_offset() -> None:
    calibration = calibrated(100 * SCORES - 7)
    assert calibration.curve.slope == pytest.approx(0.01, abs=0.0002)
    assert calibration.curve.intercept == pytest.approx(0.07, abs=0.02)
    assert calibration.expected_error == pytest.approx(0, abs=0.005)


def test_bins_are_tenths_of_the_other_half_by_score() -> None:
    bins = calibrated(SCORES).bins
    assert [each.count for each in bins] == [60] * 10  # 20 recommendations to 30 users
    assert [each.score for each in bins] == pytest.approx([0] * 5 + [log(4)] * 5)
    assert np.mean([each.observed.mean for each in bins[:5]]) == pytest.approx(0.5)
    assert np.mean([each.observed.mean for each in bins[5:]]) == pytest.approx(0.8)


def test_the_error_by_hand() -> None:
    # The curve of the other half gives .5 and .8; where there are no hits, it is off by .65.
    fitted = set(np.random.default_rng(0).permutation(60)[:30].tolist())
    hits = HITS & np.isin(USERS, list(fitted))[:, None]
    calibration = calibrate(USERS, SCORES, hits, seed=0)
    assert calibration is not None
    assert calibration.expected_error == pytest.approx(0.65, abs=0.01)


def test_places_without_an_item_do_not_count() -> None:
    scores = np.where(np.arange(20) < 15, SCORES, np.nan)
    assert sum(each.count for each in calibrated(scores).bins) == 30 * 15


@pytest.mark.parametrize("hits", [np.zeros(50, np.bool_), np.ones(50, np.bool_)])
def test_hits_that_never_or_always_come_have_a_curve(
    hits: Bool,
) -> None:
    chances = Curve.fit(np.linspace(0, 1, 50), hits)(np.array([0, 0.5, 1]))
    assert np.isfinite(chances).all()
    assert chances == pytest.approx(hits[:3].astype(float), abs=0.05)


def test_equal_scores_get_the_mean() -> None:
    hits = np.arange(1000) < 250
    curve = Curve.fit(np.full(1000, 3.0), hits)
    assert curve(np.array([3.0])) == pytest.approx([0.25], abs=0.001)


def test_one_user_cannot_be_halved() -> None:
    assert calibrate(np.zeros(60, np.int32), SCORES, HITS, seed=0) is None
