"""Reliability: whether events are as frequent as their probabilities say."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from service.support.arrays.array_types import Bool, Float64, Int64

_BINS = 10


@dataclass(frozen=True, eq=False)
class Reliability:
    """Probabilities and frequencies in bins of equal mass, lowest first.

    Attributes:
        expected: (bins,) mean probability.
        observed: (bins,) share of real events.
        counts: (bins,) number of events.
    """

    expected: Float64
    observed: Float64
    counts: Int64

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |expected - observed| over the events."""
        return float(np.average(np.abs(self.expected - self.observed), weights=self.counts))


def reliability(log_odds: Float64, real: Bool) -> Reliability:
    """Compares probabilities with outcomes.

    Args:
        log_odds: (n,) of the probabilities.
        real: (n,) the outcomes.
    """
    probabilities = expit(log_odds)
    order = np.argsort(log_odds, kind="stable")
    bins = [each for each in np.array_split(order, _BINS) if len(each)]
    return Reliability(
        np.array([probabilities[each].mean() for each in bins]),
        np.array([real[each].mean() for each in bins]),
        np.array([len(each) for each in bins]),
    )
