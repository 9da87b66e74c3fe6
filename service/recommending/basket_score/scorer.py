"""The basket score: how likely it is that a basket is this shopper's, and that it is anybody's.

Every item brings its evidence: a number, positive if it speaks for the basket. Evidence adds up,

    score = 1 / (1 + exp(-(intercept + sum of the contributions))),

so that the contributions of an answer explain its score and leave nothing out. Trees that learned
from real baskets and from corrupted ones (see `index_builder.basket_score`) find the evidence of an
item in what the shopper bought before, in how often, how lately and on which shelves, and in how
well the item goes with the others of the basket. For the population score, other trees know of the
basket alone.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.recommending.basket_score.score_columns import COLUMNS, ScoreColumns
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.stored_trees import stored_trees
from service.recommending.ranking.trees import Trees
from service.support.array_types import Float32, Int32

__all__ = ["BasketScore", "BasketScorer", "ScoreCurve", "ScoredItem", "has_score"]


class ScoredItem(NamedTuple):
    """One item of a scored basket.

    Attributes:
        item_index, item_id, category: the item.
        times_bought: the shopper's baskets with it.
        last_bought: epoch seconds; None if never.
        contribution: what it adds to the log odds of the score; to those of the population score
            where there is no other.
    """

    item_index: int
    item_id: str
    category: str
    times_bought: int
    last_bought: int | None
    contribution: float


class BasketScore(NamedTuple):
    """An answer.

    Attributes:
        score: likelihood that the basket is this shopper's, in [0, 1]; None for a stranger and
            for a basket of which nothing is known.
        population_score: likelihood that it is anybody's; None if nothing of it is known.
        degraded: whether user or basket were named and are unknown.
        unknown_items: basket items that are not in the catalogue, in the request's order.
        items: the others, in the request's order.
    """

    score: float | None
    population_score: float | None
    degraded: bool
    unknown_items: list[str]
    items: list[ScoredItem]


class ScoreCurve(NamedTuple):
    """The trees that give evidence, and the log odds of a basket without any."""

    trees: Trees
    intercept: float

    def log_odds(self, contributions: Float32) -> float:
        """Of a basket, from the (n,) contributions of its items."""
        return self.intercept + float(contributions.sum())

    def probability(self, contributions: Float32) -> float:
        """The same as a likelihood in [0, 1]."""
        # By tanh, since exp of a large number overflows.
        return float(0.5 * (1 + np.tanh(self.log_odds(contributions) / 2)))


def has_score(bundle: Bundle) -> bool:
    """Whether a bundle can score baskets; those of earlier releases cannot."""
    return bundle.score_root is not None


class BasketScorer:
    """Scores baskets from one bundle; safe to share between threads.

    Attributes:
        personal: how the score is made from contributions.
        population: the same for the population score.
    """

    def __init__(self, bundle: Bundle, table: FeatureTable | None = None) -> None:
        """Reads the trees; the bundle must hold them. Its `table` may be shared with a ranker.

        Raises:
            BundleInvalidError: they use a column that is not among COLUMNS, or are too large.
        """
        self._bundle = bundle
        self._profiles = BundleProfiles(bundle)
        self._columns = ScoreColumns(bundle, table)
        self.personal = _curve(bundle, "score_root", "score_intercept")
        self.population = _curve(bundle, "score_population_root", "population_intercept")

    def score(
        self, user_id: str | None, basket: Sequence[str], profile: Profile | None = None
    ) -> BasketScore:
        """Scores a basket; an unknown user or item never is an error, see `BasketScore`.

        `profile` is the shopper's, if it has been read already.
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
        """What each of the ascending items adds to the log odds of the score, (n,) float32."""
        return self.personal.trees.predict(self._columns.of(profile, items))

    def population_contributions(self, items: Int32) -> Float32:
        """The same for the population score."""
        return self.population.trees.predict(self._columns.of(None, items))

    def _describe(
        self, basket: Sequence[str], items: Int32, profile: Profile | None, evidence: Float32
    ) -> list[ScoredItem]:
        catalogue = self._bundle.catalogue
        contribution = dict(zip(items.tolist(), evidence.tolist(), strict=True))
        bought = _purchases(profile, items)
        described = []
        for item_id in dict.fromkeys(basket):
            item = catalogue.index.get(item_id)
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
    """How often and when last the shopper bought those of the items that they ever bought."""
    if profile is None:
        return {}
    places = np.searchsorted(profile.items, items)
    places[places == len(profile.items)] = 0
    places = places[profile.items[places] == items]
    bought = zip(profile.counts[places].tolist(), profile.last[places].tolist(), strict=True)
    return dict(zip(profile.items[places].tolist(), bought, strict=True))
