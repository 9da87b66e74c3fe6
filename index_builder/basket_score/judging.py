"""How well basket scores separate real baskets from corrupted ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np

from index_builder.basket_score.corruption import Corruption
from index_builder.measuring.roc import roc_auc
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.recommending.basket_score.scorer import BasketScorer
from service.support.arrays.array_types import Bool, Float64, Int32


@dataclass(frozen=True, eq=False)
class ScoresByKind:
    """The scores of real baskets and of their corruptions.

    Attributes:
        real: (b,) scores of the baskets as they were.
        foreign: (b,) scores of another user's basket of the same size, for the same user.
        swapped: (b,) scores of the basket with half of its items replaced.
    """

    real: Float64
    foreign: Float64
    swapped: Float64

    @property
    def foreign_auc(self) -> float:
        """ROC-AUC of real against foreign baskets."""
        return roc_auc(self.real, self.foreign)

    @property
    def swapped_auc(self) -> float:
        """ROC-AUC of real against swapped baskets."""
        return roc_auc(self.real, self.swapped)

    def all_kinds(self) -> tuple[Float64, Bool]:
        """(4b,) scores, half real, a quarter foreign, a quarter swapped; and which are real."""
        values = np.concatenate([self.real, self.real, self.foreign, self.swapped])
        return values, np.arange(len(values)) < 2 * len(self.real)

    def real_and_swapped(self) -> tuple[Float64, Bool]:
        """(2b,) scores, half real, half swapped; and which are real."""
        values = np.concatenate([self.real, self.swapped])
        return values, np.arange(len(values)) < len(self.real)

    def of(self, baskets: Bool) -> Self:
        """The same for some of the baskets."""
        return type(self)(self.real[baskets], self.foreign[baskets], self.swapped[baskets])

    def on(self, scale: float, intercept: float) -> Self:
        """The same after calibration of the log odds."""
        values = (self.real, self.foreign, self.swapped)
        return type(self)(*(intercept + scale * each for each in values))


@dataclass(frozen=True, eq=False)
class Judgement:
    """Three scores of the same baskets.

    Attributes:
        users: (b,) int32, user index of each basket.
        personal: log odds of the personal score.
        population: log odds of the population score.
        share: share of the items that the user had bought before, for comparison.
    """

    users: Int32
    personal: ScoresByKind
    population: ScoresByKind
    share: ScoresByKind

    def of(self, baskets: Bool) -> Self:
        """The same for some of the baskets."""
        scores = (self.personal, self.population, self.share)
        return type(self)(self.users[baskets], *(each.of(baskets) for each in scores))


def judge_score(bundle: Bundle, baskets: Iterable[HeldOut], seed: int) -> Judgement | None:
    """Scores held-out baskets and their corruptions by the production code.

    Args:
        bundle: one that can score, made from earlier transactions only.
        baskets: held-out baskets; all their items are scored, targets too.
        seed: of the corruptions.

    Returns:
        The judgement; None if all baskets are one user's.
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
        rows.append([_scores(scorer, profile, seen) for seen in (items, foreign, swapped)])
    if not rows:
        return None
    by_score = np.array(rows).transpose(2, 1, 0)  # (scores, kinds, baskets)
    personal, population, share = (ScoresByKind(*by_kind) for by_kind in by_score)
    return Judgement(np.array(users, np.int32), personal, population, share)


def _scores(scorer: BasketScorer, profile: Profile, items: Int32) -> tuple[float, float, float]:
    return (
        scorer.personal.log_odds(scorer.contributions(profile, items)),
        scorer.population.log_odds(scorer.population_contributions(items)),
        float(np.isin(items, profile.items).mean()),
    )
