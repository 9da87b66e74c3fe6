"""The recommender: from a shopper and a basket to k recommendations.

Offline evaluation runs this very class: ranking is never written twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from itertools import repeat
from math import log
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from service.bundle.arrays import needed
from service.bundle.bundle import Bundle
from service.business_rules.arranged import Arranged
from service.business_rules.files import RuleFiles
from service.profiles.profile import Profile, Profiles
from service.recommending.aggregate import (
    PARTS,
    Candidates,
    Weights,
    closest_anchors,
    merge_candidates,
    score_parts,
)
from service.recommending.anchors import choose_anchors
from service.recommending.answer import Reasons, Recommendation, Recommendations, Source, source_of
from service.recommending.eligibility import Assortment
from service.recommending.postprocess.diversity import Diversity
from service.recommending.postprocess.popularity_fill import best_first, top_up
from service.recommending.postprocess.substitutes import Substitutes
from service.recommending.postprocess.taxonomy_filter import TaxonomyFilter
from service.recommending.ranking.evidence import Evidence
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.ranker import Ranker
from service.recommending.search import Search
from service.settings import Settings
from service.support.array_types import Bool, Float32, Int32, Positions

if TYPE_CHECKING:
    from service.business_rules.plan import Plan
    from service.business_rules.rulebook import Rulebook

__all__ = ["Reasons", "Recommendation", "Recommendations", "Recommender", "Shortlist", "Source"]


class Shortlist(NamedTuple):
    """What a request came down to before it is ranked.

    Attributes:
        profile: the shopper, if known.
        anchors: (a,) int32, the basket-anchor set.
        known: (m,) int32, the basket's items.
        unknown_items: basket items that are not in the catalogue.
        candidates: with the parts of their blended score.
        features: (n, len(FEATURES)) float32; None without a ranker, or without a basket.
        filled: number of candidates that only the popularity fill brought.
        plan: the business rules in force, if there are any.
    """

    profile: Profile | None
    anchors: Int32
    known: Int32
    unknown_items: list[str]
    candidates: Candidates
    features: Float32 | None
    filled: int
    plan: "Plan | None"


class Recommender:
    """Answers from one bundle; safe to share between threads, since a request changes nothing."""

    def __init__(
        self,
        bundle: Bundle,
        settings: Settings,
        observe: Callable[[str, float], None] | None = None,
        weights: Weights | None = None,
        beside: "Recommender | None" = None,
    ) -> None:
        """Prepares what all requests share.

        Args:
            bundle: where vectors, index, profiles and catalogue come from.
            settings: how recommendations are made.
            observe: is told the seconds that each stage took.
            weights: of the parts of a score; by default those that the build chose.
            beside: another one of the same bundle, to share what does not depend on how
                recommendations are made; the business rules too.

        Raises:
            RulesError: the business rules or the availability cannot be used.
            BundleInvalidError: the bundle lacks what a setting asks for.
        """
        self._bundle = bundle
        self._settings = settings
        self._observe = observe or (lambda _stage, _seconds: None)
        self._weights = weights or Weights.read(bundle.manifest.serving)
        self._rows = needed(bundle.item_vectors)
        self._search = Search(bundle, settings, self._weights)
        self._profiles = Profiles(bundle)
        self._assortment: Assortment = (
            beside._assortment if beside else Assortment(bundle.catalogue)
        )
        self._taxonomy = TaxonomyFilter.read(bundle, settings)
        self._diversity = Diversity(self._rows, self._assortment.category_codes, settings)
        self._substitutes = Substitutes.read(bundle) if settings.substitute_weight != 1 else None
        self.rule_files: RuleFiles = (
            beside.rule_files
            if beside
            else RuleFiles(bundle.catalogue, settings.rules, settings.availability)
        )
        ranked = settings.ranker and bundle.neighbour_indptr is not None
        self.table: FeatureTable | None = None
        if ranked:
            self.table = beside.table if beside else FeatureTable(bundle)
        self._ranker = Ranker(bundle) if ranked and bundle.tree_root is not None else None

    def recommend(
        self,
        user_id: str | None,
        basket: Sequence[str],
        k: int,
        exclude_items: Sequence[str] = (),
        exclude_categories: Sequence[str] = (),
        explain: bool = False,
        store_id: str | None = None,
        rulebook: "Rulebook | None" = None,
        profile: Profile | None = None,
    ) -> Recommendations:
        """Returns the k items that belong with the basket, for this shopper.

        Exactly k distinct items, none in the basket and none excluded, whenever the catalogue has
        that many. An unknown user or item never is an error. The answer depends on what the basket
        holds, not on its order. `rulebook` is tried in the place of the one in force. `profile` is
        the shopper's, if it has been read already.
        """
        lap = self._stopwatch()
        rulebook = rulebook or self.rule_files.rulebook
        plan = None if rulebook is None else rulebook.plan(store_id)
        listed = self.shortlist(
            user_id, basket, k, exclude_items, exclude_categories, lap, plan, profile
        )
        scores = self._score(listed)
        ranked = best_first(scores)
        lap("rank")
        arranged = self._choose(listed, scores, ranked, k)
        answer = Recommendations(
            source=source_of(listed.profile is not None, len(listed.anchors) > 0),
            degraded=(user_id is not None and listed.profile is None)
            or (bool(basket) and not len(listed.anchors))
            or (rulebook is not None and not rulebook.knows(store_id))
            or (listed.profile is not None and listed.profile.fallback),
            unknown_items=listed.unknown_items,
            candidates=len(scores),
            filled=listed.filled,
            items=self._describe(listed, scores, arranged, explain),
        )
        lap("postprocess")
        return answer

    def shortlist(
        self,
        user_id: str | None,
        basket: Sequence[str],
        k: int = 0,
        exclude_items: Sequence[str] = (),
        exclude_categories: Sequence[str] = (),
        lap: Callable[[str], None] = lambda _stage: None,
        plan: "Plan | None" = None,
        profile: Profile | None = None,
    ) -> Shortlist:
        """The candidates of a request, at least k where the catalogue has them, before ranking."""
        if profile is None and user_id is not None:
            profile = self._profiles.get(user_id)
        known, unknown = self._bundle.catalogue.look_up(basket)
        allowed = None if plan is None else plan.allowed
        eligible = self._assortment.eligible(known, exclude_items, exclude_categories, allowed)
        lap("lookup")
        anchors = self.anchors(known, user_id)
        lap("anchors")
        wanted = max(k, self._settings.search_candidates)
        found = self._search.find(anchors, profile, eligible, wanted)
        lap("search")
        with self._evidence(profile, known) as evidence:
            items = self._merge(found, profile, evidence, eligible)
            n_found = len(items)
            items = self._top_up(items, eligible, k)
            if plan is not None:
                items = plan.supply(items, eligible, k)
            candidates = score_parts(self._rows, items, anchors, profile)
            lap("aggregate")
            features = evidence.features(candidates) if evidence else None
        filled = len(items) - n_found
        return Shortlist(profile, anchors, known, unknown, candidates, features, filled, plan)

    def anchors(self, known: Int32, user_id: str | None) -> Int32:
        """The basket-anchor set of distinct, ascending item indices."""
        settings, bundle_id = self._settings, self._bundle.bundle_id
        return choose_anchors(
            known, settings.anchor_limit, settings.anchor_fraction, user_id or "", bundle_id
        )

    def _evidence(
        self, profile: Profile | None, known: Int32
    ) -> AbstractContextManager[Evidence | None]:
        """What the ranker goes by; nothing where there is no ranker, or no basket to rank for."""
        if self.table is None or not len(known):
            return nullcontext()
        return self.table.evidence(profile, known)

    def _merge(
        self,
        found: Int32,
        profile: Profile | None,
        evidence: Evidence | None,
        eligible: Bool,
    ) -> Int32:
        settings = self._settings
        if evidence is None:
            items = merge_candidates(found, profile, settings.history_candidates)
            return items[eligible[items]]
        return evidence.candidates(
            found, eligible, settings.past_candidates, settings.neighbour_candidates
        )

    def _top_up(self, items: Int32, eligible: Bool, k: int) -> Int32:
        codes, cap = self._assortment.category_codes, self._settings.category_cap
        return top_up(items, eligible, codes, cap, k)

    def _score(self, listed: Shortlist) -> Float32:
        if listed.features is None or self._ranker is None:
            scores = listed.candidates.score(self._weights)
        else:
            scores = self._ranker.score(listed.features)
        if self._substitutes is not None:
            scores = scores + self._demotions(listed, self._substitutes)
        if listed.plan is None or listed.plan.log_factors is None:
            return scores
        return scores + listed.plan.log_factors[listed.candidates.items]

    def _demotions(self, listed: Shortlist, substitutes: Substitutes) -> Float32:
        """What is added to the score of another one of what is in the basket: a second milk."""
        log_weight = log(self._settings.substitute_weight)
        return substitutes.demotions(listed.candidates.items, listed.known, log_weight)

    def _choose(self, listed: Shortlist, scores: Float32, ranked: Positions, k: int) -> Arranged:
        """The k recommendations: diverse if wished, within the category cap, as the rules wish."""
        items, plan = listed.candidates.items, listed.plan
        ranked = self._diversity.reorder(items, scores, ranked, k)
        if self._taxonomy is not None:
            ranked = self._taxonomy.apply(listed.anchors, items, ranked, k)
        return Arranged(ranked[:k], {}) if plan is None else plan.arrange(items, ranked, k)

    def _describe(
        self, listed: Shortlist, scores: Float32, arranged: Arranged, explain: bool
    ) -> list[Recommendation]:
        catalogue, chosen = self._bundle.catalogue, arranged.chosen
        reasons: Iterable[Reasons | None] = (
            self._reasons(listed, arranged) if explain else repeat(None)
        )
        return [
            Recommendation(
                item, catalogue.item_ids[item], catalogue.names[item], catalogue.categories[item],
                score, why,
            )
            for item, score, why in zip(
                listed.candidates.items[chosen].tolist(), scores[chosen].tolist(), reasons,
                strict=False,
            )
        ]  # fmt: skip

    def _reasons(self, listed: Shortlist, arranged: Arranged) -> Iterator[Reasons]:
        chosen, anchors, plan = arranged.chosen, listed.anchors, listed.plan
        items = listed.candidates.items[chosen]
        if listed.features is None or self._ranker is None:
            parts = listed.candidates.parts(self._weights)
            basket, user, popularity = (parts[part][chosen] for part in PARTS)
        else:
            parts = self._ranker.parts(listed.features[chosen])
            basket, user, popularity = (parts[part] for part in PARTS)
        if self._substitutes is not None:
            basket = basket + self._demotions(listed, self._substitutes)[chosen]
        if plan is not None and plan.log_factors is not None:
            popularity = popularity + plan.log_factors[items]
        item_ids = self._bundle.catalogue.item_ids
        closest = closest_anchors(self._rows, items, anchors).tolist() if len(anchors) else None
        for place, (item, position) in enumerate(zip(items.tolist(), chosen.tolist(), strict=True)):
            pinned_by = arranged.pinned.get(position)
            yield {
                "anchor": item_ids[closest[place]] if closest else None,
                "basket": float(basket[place]),
                "user": float(user[place]),
                "popularity": float(popularity[place]),
                "rules": [] if plan is None else plan.touched(item, pinned_by),
            }

    def _stopwatch(self) -> Callable[[str], None]:
        last = perf_counter()

        def lap(stage: str) -> None:
            nonlocal last
            now = perf_counter()
            self._observe(stage, now - last)
            last = now

        return lap
