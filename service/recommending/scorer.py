"""Scores of candidates, and the parts that they are the sum of."""

from math import log

from service.bundle.bundle import Bundle
from service.recommending.aggregate import PARTS
from service.recommending.postprocess.substitutes import Substitutes
from service.recommending.ranking.ranker import Ranker
from service.recommending.shortlist import Shortlist
from service.recommending.weights import Weights
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Positions


class Scorer:
    """Scores by the ranker, or by the blend of parts where there is none.

    To either it adds the demotion of items that replace one of the basket, and the factors of
    business rules.
    """

    def __init__(self, bundle: Bundle, weights: Weights, options: RecommendOptions) -> None:
        """Reads the ranker of a bundle, if it has one and the options ask for it.

        Raises:
            BundleInvalidError: see `Ranker`.
        """
        self._weights = weights
        self._substitutes = Substitutes.read(bundle)
        wanted = options.ranker and bundle.tree_root is not None
        self._ranker = Ranker(bundle) if wanted else None

    @property
    def ranks(self) -> bool:
        """Whether there is a ranker."""
        return self._ranker is not None

    def scores(self, listed: Shortlist) -> Float32:
        """The score of every candidate, (n,)."""
        if listed.features is None or self._ranker is None:
            scores = listed.candidates.score(self._weights)
        else:
            scores = self._ranker.score(listed.features)
        if (demotions := self._demotions(listed)) is not None:
            scores = scores + demotions
        if listed.plan is None or listed.plan.log_factors is None:
            return scores
        return scores + listed.plan.log_factors[listed.candidates.items]

    def parts(self, listed: Shortlist, chosen: Positions) -> tuple[Float32, Float32, Float32]:
        """What basket, user and popularity contribute to the scores of chosen candidates.

        Args:
            listed: the candidates.
            chosen: (k,) their positions.

        Returns:
            (k,) each; business rules count for popularity.
        """
        if listed.features is None or self._ranker is None:
            parts = listed.candidates.parts(self._weights)
            basket, user, popularity = (parts[part][chosen] for part in PARTS)
        else:
            parts = self._ranker.parts(listed.features[chosen])
            basket, user, popularity = (parts[part] for part in PARTS)
        if (demotions := self._demotions(listed)) is not None:
            basket = basket + demotions[chosen]
        if listed.plan is not None and listed.plan.log_factors is not None:
            popularity = popularity + listed.plan.log_factors[listed.candidates.items[chosen]]
        return basket, user, popularity

    def _demotions(self, listed: Shortlist) -> Float32 | None:
        """What is added to the scores of candidates that replace an item of the basket."""
        weight = listed.options.substitute_weight
        if self._substitutes is None or weight == 1:
            return None
        return self._substitutes.demotions(listed.candidates.items, listed.known, log(weight))
