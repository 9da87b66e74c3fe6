"""Intervals: how far a mean over baskets could be off, by the bootstrap.

Households are resampled, not baskets: what one household buys in two baskets is not independent
(the cluster bootstrap; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
"""

from dataclasses import dataclass

import numpy as np

from service.support.array_types import Float64, Int32

__all__ = ["Bootstrap", "Interval"]


_FEWEST_HOUSEHOLDS = 10  # of fewer, resamples are so alike that the interval would be too narrow
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; NaN where there is nothing to take the mean of."""

    mean: float
    low: float
    high: float


class Bootstrap:
    """Resamples of the households of some baskets, the same for every method that is compared."""

    def __init__(self, users: Int32, seed: int, resamples: int = 1000) -> None:
        """Draws the resamples.

        Args:
            users: (n,) user index of each basket. Baskets of fewer than 10 users are resampled
                one by one.
            seed: of the draws.
            resamples: how many; each takes 8 bytes a household.
        """
        households, self._household = np.unique(users, return_inverse=True)
        if len(households) < _FEWEST_HOUSEHOLDS:
            self._household = np.arange(len(users))
        self._n = n = int(self._household.max()) + 1
        rng = np.random.default_rng(seed)
        # (resamples, households): how often each household is drawn.
        self._drawn = rng.multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)

    def interval(self, values: Float64) -> Interval:
        """The mean of the baskets' values, (n,), NaN where a basket has none."""
        known = ~np.isnan(values)
        if not known.any():
            return Interval(np.nan, np.nan, np.nan)
        mean = float(values[known].mean())
        # Of deviations, so that a constant has an interval of no width, whatever the rounding.
        deviations = np.where(known, values - mean, 0)
        sums = self._drawn @ np.bincount(self._household, deviations, self._n)
        counts = self._drawn @ np.bincount(self._household, known, self._n)
        low, high = np.percentile(sums[counts > 0] / counts[counts > 0], _PERCENTILES)
        return Interval(mean, mean + float(low), mean + float(high))

    def difference(self, ours: Float64, theirs: Float64) -> Interval:
        """The paired one: of what one method has more than another on the same basket."""
        return self.interval(ours - theirs)
