"""Confidence intervals of means over baskets, by the bootstrap.

Users are resampled, not baskets: two baskets of one user are not independent (the cluster
bootstrap; Efron and Tibshirani, "An Introduction to the Bootstrap", 1993).
"""

from dataclasses import dataclass

import numpy as np

from service.support.arrays.array_types import Float64, Int32

_FEWEST_USERS = 10  # resamples of fewer are so alike that the interval would be too narrow
_PERCENTILES = (2.5, 97.5)


@dataclass(frozen=True)
class Interval:
    """A mean with its 95 % interval; all NaN if there are no values."""

    mean: float
    low: float
    high: float


class Bootstrap:
    """Resamples of the users of some baskets, the same for every method that is compared."""

    def __init__(self, users: Int32, seed: int, resamples: int = 1000) -> None:
        """Draws the resamples.

        Args:
            users: (n,) user index of each basket. Baskets of fewer than 10 users are resampled
                one by one.
            seed: of the draws.
            resamples: how many; each takes 8 bytes per user.
        """
        distinct, self._user = np.unique(users, return_inverse=True)
        if len(distinct) < _FEWEST_USERS:
            self._user = np.arange(len(users))
        self._n = n = int(self._user.max()) + 1
        rng = np.random.default_rng(seed)
        # (resamples, users): how often each user is drawn.
        self._drawn = rng.multinomial(n, np.full(n, 1 / n), resamples).astype(np.float64)

    def interval(self, values: Float64) -> Interval:
        """The mean of the baskets' values, (n,), NaN for a basket without one."""
        known = ~np.isnan(values)
        if not known.any():
            return Interval(np.nan, np.nan, np.nan)
        mean = float(values[known].mean())
        # Deviations from the mean, so that rounding gives a constant no width.
        deviations = np.where(known, values - mean, 0)
        sums = self._drawn @ np.bincount(self._user, deviations, self._n)
        counts = self._drawn @ np.bincount(self._user, known, self._n)
        low, high = np.percentile(sums[counts > 0] / counts[counts > 0], _PERCENTILES)
        return Interval(mean, mean + float(low), mean + float(high))

    def difference(self, ours: Float64, theirs: Float64) -> Interval:
        """The interval of the paired difference of two methods on the same baskets."""
        return self.interval(ours - theirs)
