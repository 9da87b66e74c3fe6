"""Scores of candidates, and the parts that they are the sum of."""

from math import log

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import nobody
from service.recommending.aggregate import PARTS, Candidates
from service.recommending.postprocess.diversity import NOT_DIVERSE, Mmr, inverse_norms
from service.recommending.postprocess.substitutes import Substitutes
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.known import NOTHING_KNOWN
from service.recommending.ranking.ranker import Ranker
from service.recommending.ranking.scratch import NO_SCRATCH
from service.recommending.ranking.trees import NO_MASKS
from service.recommending.scoring.scoring_pass import Blend, Shared, Terms, score
from service.recommending.shortlist import Scored, Shortlist
from service.recommending.weights import Weights
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Positions
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import unchecked
from service.support.stopwatch import Stopwatch

_score = unchecked(score)
_NO_FACTORS = read_only(np.empty(0, np.float32))
_NO_SUBSTITUTES = read_only(np.zeros(1, np.int64)), read_only(np.empty(0, np.int32))


class Scorer:
    """Scores by the ranker, or by the blend of parts where there is none.

    To either it adds the demotion of items that replace one of the basket, and the factors of
    business rules.

    Attributes:
        table: what the ranker's features are made from; None without a ranker.
    """

    def __init__(self, bundle: Bundle, weights: Weights, options: RecommendOptions) -> None:
        """Reads the ranker of a bundle, if it has one and the options ask for it.

        Raises:
            BundleInvalidError: see `Ranker` and `FeatureTable`.
        """
        self.table = FeatureTable(bundle) if options.ranker else None
        ranks = options.ranker and bundle.tree_root is not None
        self._ranker = Ranker(bundle) if ranks else None
        self._substitutes = Substitutes.read(bundle)
        self._weights = weights
        blend = (weights.basket_exponent, weights.user, weights.popularity, weights.history)
        self._blend = Blend(*map(float, blend))
        self._nobody = nobody(bundle.dimension)
        self._shared = Shared(
            rows=read_only(bundle.item_vectors),
            inverse_norm=read_only(inverse_norms(bundle.item_vectors)),
            category=read_only(bundle.catalogue.taxonomy.category.codes),
            substitutes=self._substitutes.arrays if self._substitutes else _NO_SUBSTITUTES,
            known=self.table.known if self.table else NOTHING_KNOWN,
            masks=self._ranker.masks if self._ranker else NO_MASKS,
        )

    def score(self, listed: Shortlist, diverse: bool, watch: Stopwatch) -> Scored:
        """The candidates with their scores, best first.

        Args:
            listed: the candidates.
            diverse: whether the first k are reordered, see `Diversity`.
            watch: is told when the stages aggregate and rank end.
        """
        user = listed.profile or self._nobody
        terms, ends = self._terms(listed, diverse), np.empty(2)
        scores, order, parts, features = _score(
            self._shared, self.table.scratch if self.table else NO_SCRATCH, terms,
            listed.items, listed.anchors, listed.known, user, ends,
        )  # fmt: skip
        watch.lap("aggregate", ends[0])
        watch.lap("rank", ends[1])
        candidates = Candidates(listed.items, *parts)
        return Scored(candidates, features.T if terms.featured else None, scores, order)

    def parts(
        self, listed: Shortlist, scored: Scored, chosen: Positions
    ) -> tuple[Float32, Float32, Float32]:
        """What basket, user and popularity contribute to the scores of chosen candidates.

        Args:
            listed: the request.
            scored: its candidates.
            chosen: (k,) their positions.

        Returns:
            (k,) each; business rules count for popularity.
        """
        candidates = scored.candidates
        if scored.features is None or self._ranker is None:
            parts = candidates.parts(self._weights)
            basket, user, popularity = (parts[part][chosen] for part in PARTS)
        else:
            parts = self._ranker.parts(scored.features[chosen])
            basket, user, popularity = (parts[part] for part in PARTS)
        if self._substitutes is not None and (weight := self._log_substitute(listed.options)):
            demotions = self._substitutes.demotions(candidates.items, listed.known, weight)
            basket = basket + demotions[chosen]
        if listed.plan is not None and listed.plan.log_factors is not None:
            popularity = popularity + listed.plan.log_factors[candidates.items[chosen]]
        return basket, user, popularity

    def _terms(self, listed: Shortlist, diverse: bool) -> Terms:
        options, k = listed.options, listed.request.k
        featured = self.table is not None and options.ranker and len(listed.known) > 0
        factors = None if listed.plan is None else listed.plan.log_factors
        return Terms(
            featured,
            self._blend,
            self._log_substitute(options),
            _NO_FACTORS if factors is None else factors,
            Mmr.of(options, k) if diverse else NOT_DIVERSE,
        )

    def _log_substitute(self, options: RecommendOptions) -> float:
        """What is added to the score of a candidate that replaces an item of the basket."""
        return log(options.substitute_weight) if self._substitutes else 0.0
