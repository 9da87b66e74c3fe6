"""Calibration: how often recommendations of a score are targets.

A logistic curve turns the score into a probability (Platt, "Probabilistic outputs for support
vector machines", 1999). It is fitted on half of the users and tested on the others.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit

from index_builder.measuring.intervals import Bootstrap, Interval
from service.support.arrays.array_types import Bool, Float64, Int32

_BINS = 10


@dataclass(frozen=True)
class Curve:
    """Turns a score s into a probability: 1 / (1 + exp(-(intercept + slope · s)))."""

    intercept: float
    slope: float

    def __call__(self, scores: Float64) -> Float64:
        """The probability for each score."""
        return np.asarray(expit(self.intercept + self.slope * scores))

    @classmethod
    def fit(cls, scores: Float64, hits: Bool) -> Self:
        """Fits by maximum likelihood, with Platt's targets a little above 0 and below 1.

        Args:
            scores: (n,) of recommendations.
            hits: (n,) whether they were targets.
        """
        right = int(hits.sum())
        targets = np.where(hits, (right + 1) / (right + 2), 1 / (len(hits) - right + 2))
        centre, scale = float(scores.mean()), float(scores.std()) or 1.0
        inputs = np.column_stack([np.ones(len(scores)), (scores - centre) / scale])

        def loss(weights: Float64) -> tuple[float, Float64]:
            logits = inputs @ weights
            errors = expit(logits) - targets
            return (
                float((np.logaddexp(0, logits) - targets * logits).mean()),
                inputs.T @ errors / len(errors),
            )

        intercept, slope = minimize(loss, np.zeros(2), jac=True, tol=1e-9).x / (1, scale)
        return cls(float(intercept - slope * centre), float(slope))


@dataclass(frozen=True)
class Bin:
    """Recommendations with similar scores, of users that the curve was not fitted on.

    Attributes:
        count: number of recommendations.
        score: their mean score.
        expected: their mean probability by the curve.
        observed: share of them that were targets.
    """

    count: int
    score: float
    expected: float
    observed: Interval


@dataclass(frozen=True)
class Calibration:
    """The probability by score, and the observed shares.

    Attributes:
        curve: fitted on half of the users.
        bins: tenths of the recommendations to the other users, by score, lowest first.
    """

    curve: Curve
    bins: list[Bin]

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |expected - observed| over the recommendations."""
        counts = [each.count for each in self.bins]
        errors = [abs(each.expected - each.observed.mean) for each in self.bins]
        return float(np.average(errors, weights=counts))


def calibrate(users: Int32, scores: Float64, hits: Bool, seed: int) -> Calibration | None:
    """Fits the curve on half of the users and tests it on the others.

    Args:
        users: (n,) user index of each basket.
        scores: (n, K) of its recommendations; NaN where there were fewer than K.
        hits: (n, K) whether each was a target.
        seed: of the halves and of the intervals.

    Returns:
        The calibration; None if there are fewer than two users.
    """
    distinct = np.random.default_rng(seed).permutation(np.unique(users))
    half = len(distinct) // 2
    if not half:
        return None
    of_half, known = np.isin(users, distinct[:half])[:, None], ~np.isnan(scores)
    fitted, tested = of_half & known, ~of_half & known
    curve = Curve.fit(scores[fitted], hits[fitted])
    owners = np.broadcast_to(users[:, None], scores.shape)
    return Calibration(curve, _bins(curve, owners[tested], scores[tested], hits[tested], seed))


def _bins(curve: Curve, users: Int32, scores: Float64, hits: Bool, seed: int) -> list[Bin]:
    order = np.argsort(scores, kind="stable")
    probabilities = curve(scores)
    return [
        Bin(
            len(tenth),
            float(scores[tenth].mean()),
            float(probabilities[tenth].mean()),
            Bootstrap(users[tenth], seed).interval(hits[tenth].astype(np.float64)),
        )
        for tenth in np.array_split(order, _BINS)
        if len(tenth)
    ]
