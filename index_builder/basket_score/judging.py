"""How well a basket score tells real baskets from corrupted ones, and whether it is calibrated."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy.special import expit
from scipy.stats import rankdata

from index_builder.basket_score.corruption import Corruption
from index_builder.transactions.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.recommending.basket_score.scorer import BasketScorer
from service.support.array_types import Bool, Float64, Int32, Int64

__all__ = ["Judged", "Judgement", "Reliability", "judge_score", "reliability"]
__all__ += ["roc_auc", "roc_curve"]


_BINS = 10


@dataclass(frozen=True, eq=False)
class Judged:
    """What one way to score makes of baskets.

    Attributes:
        real: (b,) of the baskets as they were.
        foreign: (b,) of another household's basket of the same size, held to be the shopper's.
        swapped: (b,) of the basket with half of its items replaced.
    """

    real: Float64
    foreign: Float64
    swapped: Float64

    @property
    def foreign_auc(self) -> float:
        """ROC-AUC of real against foreign."""
        return roc_auc(self.real, self.foreign)

    @property
    def swapped_auc(self) -> float:
        """ROC-AUC of real against swapped."""
        return roc_auc(self.real, self.swapped)

    def all_kinds(self) -> tuple[Float64, Bool]:
        """Half real, a quarter foreign, a quarter swapped: (4b,) values, and which are real."""
        values = np.concatenate([self.real, self.real, self.foreign, self.swapped])
        return values, np.arange(len(values)) < 2 * len(self.real)

    def real_and_swapped(self) -> tuple[Float64, Bool]:
        """Half real, half swapped: (2b,) values, and which are real."""
        values = np.concatenate([self.real, self.swapped])
        return values, np.arange(len(values)) < len(self.real)

    def of(self, baskets: Bool) -> Self:
        """The same for some of the baskets."""
        return type(self)(self.real[baskets], self.foreign[baskets], self.swapped[baskets])

    def on(self, scale: float, intercept: float) -> Self:
        """The same after log odds were calibrated."""
        values = (self.real, self.foreign, self.swapped)
        return type(self)(*(intercept + scale * each for each in values))


@dataclass(frozen=True, eq=False)
class Judgement:
    """Three ways to score the same baskets.

    Attributes:
        users: (b,) int32, user index of each basket.
        personal: log odds of the score.
        population: log odds of the population score.
        share: share of the items that the shopper had bought before, for comparison.
    """

    users: Int32
    personal: Judged
    population: Judged
    share: Judged

    def of(self, baskets: Bool) -> Self:
        """The same for some of the baskets."""
        ways = (self.personal, self.population, self.share)
        return type(self)(self.users[baskets], *(way.of(baskets) for way in ways))


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was promised and what came, in bins of equal mass, lowest first.

    Attributes:
        expected: (bins,) mean likelihood.
        observed: (bins,) share of real baskets.
        counts: (bins,).
    """

    expected: Float64
    observed: Float64
    counts: Int64

    @property
    def expected_error(self) -> float:
        """Expected calibration error: mean of |expected - observed| over the baskets."""
        return float(np.average(np.abs(self.expected - self.observed), weights=self.counts))


def judge_score(bundle: Bundle, baskets: Iterable[HeldOut], seed: int) -> Judgement | None:
    """Scores held-out baskets and their corruptions with what the service scores by.

    Args:
        bundle: one that can score; fitted on what came before the baskets.
        baskets: whole ones are scored: what is hidden for ranking is not hidden here.
        seed: of the corruptions.

    Returns:
        The judgement; None without baskets of two users or more.
    """
    baskets = list(baskets)
    scorer, profiles = BasketScorer(bundle), BundleProfiles(bundle)
    corruption = Corruption(baskets, len(bundle.catalogue), np.random.default_rng(seed))
    users, rows = [], []
    for basket in baskets:
        items = basket.items
        foreign = corruption.foreign(basket.user, len(items))
        profile = profiles.get(bundle.user_ids[basket.user])
        if foreign is None or profile is None:
            continue
        swapped, _ = corruption.swapped(items, max(1, round(len(items) / 2)))
        users.append(basket.user)
        rows.append([_ways(scorer, profile, seen) for seen in (items, foreign, swapped)])
    if not rows:
        return None
    table = np.array(rows)  # (baskets, kinds, ways)
    personal, population, share = (Judged(*table[:, :, way].T) for way in range(3))
    return Judgement(np.array(users, np.int32), personal, population, share)


def reliability(log_odds: Float64, real: Bool) -> Reliability:
    """Bins the likelihoods.

    Args:
        log_odds: (n,).
        real: (n,) what came.
    """
    chances = expit(log_odds)
    order = np.argsort(log_odds, kind="stable")
    bins = [each for each in np.array_split(order, _BINS) if len(each)]
    return Reliability(
        np.array([chances[each].mean() for each in bins]),
        np.array([real[each].mean() for each in bins]),
        np.array([len(each) for each in bins]),
    )


def roc_auc(positives: Float64, negatives: Float64) -> float:
    """The chance that a positive is above a negative, a tie counting half."""
    ranks = rankdata(np.concatenate([positives, negatives]))[: len(positives)]
    least = len(positives) * (len(positives) + 1) / 2
    return float((ranks.sum() - least) / (len(positives) * len(negatives)))


def roc_curve(positives: Float64, negatives: Float64) -> tuple[Float64, Float64]:
    """The share of negatives and that of positives at or above every threshold, from none to all.

    Args:
        positives: values of what is to be found.
        negatives: values of the others.

    Returns:
        (thresholds + 1,) each, ascending from 0 to 1.
    """
    thresholds = np.unique(np.concatenate([positives, negatives]))[::-1]
    shares = (
        1 - np.searchsorted(np.sort(values), thresholds) / len(values)
        for values in (negatives, positives)
    )
    false_alarms, found = (np.concatenate([[0.0], each]) for each in shares)
    return false_alarms, found


def _ways(scorer: BasketScorer, profile: Profile, items: Int32) -> tuple[float, float, float]:
    return (
        scorer.personal.log_odds(scorer.contributions(profile, items)),
        scorer.population.log_odds(scorer.population_contributions(items)),
        float(np.isin(items, profile.items).mean()),
    )
