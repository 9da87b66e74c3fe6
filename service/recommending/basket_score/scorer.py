"""The basket score: how likely a basket is this user's, and how likely it is any user's.

The score is logistic in the sum of one contribution per item, positive for an item that makes the
basket more likely:

    score = 1 / (1 + exp(-(intercept + sum of the contributions)))

So the contributions explain the score completely. They come from trees trained on real and on
corrupted baskets (see `index_builder.basket_score`). For the personal score, the trees know the
user's past purchases and how well the item goes with the others of the basket; for the population
score, other trees know the basket alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile, ProfileSource
from service.recommending.basket_score.score_columns import COLUMNS, ScoreColumns
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.stored_trees import stored_trees
from service.recommending.ranking.trees import Trees
from service.support.arrays.array_types import Float32, Int32


class ScoredItem(NamedTuple):
    """One item of a scored basket.

    Attributes:
        item_index, item_id, category: the item.
        times_bought: number of the user's past baskets with it.
        last_bought: epoch seconds; None if never.
        contribution: what it adds to the log odds of the personal score, or of the population score
            if there is no personal one.
    """

    item_index: int
    item_id: str
    category: str
    times_bought: int
    last_bought: int | None
    contribution: float


class BasketScore(NamedTuple):
    """The scores of one basket, and their explanation.

    Attributes:
        score: probability that the basket is this user's; None without a profile or a known item.
        population_score: probability that it is any user's; None without a known item.
        degraded: whether the request names a user, or a basket, that is entirely unknown.
        unknown_items: basket items that are not in the catalogue, in the request's order.
        items: the others, in the request's order.
    """

    score: float | None
    population_score: float | None
    degraded: bool
    unknown_items: list[str]
    items: list[ScoredItem]


class ScoreCurve(NamedTuple):
    """How a score is made: trees for the contributions, and the intercept of the log odds."""

    trees: Trees
    intercept: float

    def log_odds(self, contributions: Float32) -> float:
        """The log odds of a basket from the (n,) contributions of its items."""
        return self.intercept + float(contributions.sum())

    def probability(self, contributions: Float32) -> float:
        """The same as a probability."""
        # The logistic function by tanh: exp of a large number would overflow.
        return float(0.5 * (1 + np.tanh(self.log_odds(contributions) / 2)))


def has_score(bundle: Bundle) -> bool:
    """Whether a bundle can score baskets; the first bundles could not."""
    return bundle.score_root is not None


class BasketScorer:
    """Scores baskets from one bundle; safe to share between threads.

    Attributes:
        personal: how the score is made from contributions.
        population: the same for the population score.
    """

    def __init__(
        self,
        bundle: Bundle,
        table: FeatureTable | None = None,
        profiles: ProfileSource | None = None,
    ) -> None:
        """Reads a bundle.

        Args:
            bundle: one that can score.
            table: of the bundle, which may be shared with a ranker.
            profiles: of users whose profile is not given; by default those of the bundle.

        Raises:
            BundleInvalidError: its trees use an unknown column, or have too many leaves.
        """
        self._bundle = bundle
        self._profiles = profiles or BundleProfiles(bundle)
        self._columns = ScoreColumns(bundle, table)
        self.personal = _curve(bundle, "score_root", "score_intercept")
        self.population = _curve(bundle, "score_population_root", "population_intercept")

    def score(
        self, user_id: str | None, basket: Sequence[str], profile: Profile | None = None
    ) -> BasketScore:
        """Scores a basket; an unknown user or item is no error, see `BasketScore`.

        `profile` is the user's, if it has been read already.
        """
        if profile is None and user_id is not None:
            profile = self._profiles.get(user_id)
        items, unknown = self._bundle.catalogue.look_up(basket)
        stranger = user_id is not None and profile is None
        if not len(items):
            return BasketScore(None, None, stranger or bool(basket), unknown, [])
        contributions = self.population_contributions(items)
        score, population_score = None, self.population.probability(contributions)
        if profile is not None:
            contributions = self.contributions(profile, items)
            score = self.personal.probability(contributions)
        described = self._describe(basket, items, profile, contributions)
        return BasketScore(score, population_score, stranger, unknown, described)

    def contributions(self, profile: Profile, items: Int32) -> Float32:
        """What each of the ascending items adds to the log odds of the personal score, (n,)."""
        return self.personal.trees.predict(self._columns.of(profile, items))

    def population_contributions(self, items: Int32) -> Float32:
        """The same for the population score."""
        return self.population.trees.predict(self._columns.of(None, items))

    def _describe(
        self, basket: Sequence[str], items: Int32, profile: Profile | None, contributions: Float32
    ) -> list[ScoredItem]:
        catalogue = self._bundle.catalogue
        contribution = dict(zip(items.tolist(), contributions.tolist(), strict=True))
        bought = _purchases(profile, items)
        described = []
        for item_id in dict.fromkeys(basket):
            item = catalogue.row(item_id)
            if item is not None:
                times, last = bought.get(item, (0, None))
                found = (item, item_id, catalogue.categories[item])
                described.append(ScoredItem(*found, times, last, contribution[item]))
        return described


def _curve(bundle: Bundle, root: str, intercept: str) -> ScoreCurve:
    trees = stored_trees(bundle, "score", root, "score_columns", COLUMNS)
    found = bundle.manifest.serving.get(intercept)
    if not isinstance(found, int | float):
        raise BundleInvalidError(f"manifest.json, serving, {intercept}", "a number", found)
    return ScoreCurve(trees, float(found))


def _purchases(profile: Profile | None, items: Int32) -> dict[int, tuple[int, int]]:
    """Number of purchases and epoch seconds of the last one, for the items that the user bought."""
    if profile is None:
        return {}
    places = np.searchsorted(profile.items, items)
    places[places == len(profile.items)] = 0
    places = places[profile.items[places] == items]
    bought = zip(profile.counts[places].tolist(), profile.last[places].tolist(), strict=True)
    return dict(zip(profile.items[places].tolist(), bought, strict=True))
