"""Reliability, where it can be worked out by hand."""

import numpy as np
import pytest

from index_builder.measuring.reliability import reliability


def test_what_comes_as_often_as_promised_has_no_error() -> None:
    log_odds = np.repeat([-np.log(3), np.log(3)], 40)  # 1/4 and 3/4
    real = np.tile([True, False, False, False], 20)
    real[40:] = ~real[40:]
    assert reliability(log_odds, real).expected_error == pytest.approx(0)
    assert reliability(log_odds, ~real).expected_error == pytest.approx(0.5)
