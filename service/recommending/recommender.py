"""The recommender: from a user and a basket to k recommendations.

Offline evaluation runs this very class: ranking is never written twice.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import repeat
from time import time
from typing import TYPE_CHECKING

from service.bundle.bundle import Bundle
from service.business_rules.planning.arranged import Arranged
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile, ProfileSource
from service.recommending.aggregate import closest_anchors
from service.recommending.answer import Reasons, Recommendation, Recommendations, source_of
from service.recommending.candidates import merge
from service.recommending.eligibility import eligible_for
from service.recommending.postprocess.category_cap import capped_first
from service.recommending.postprocess.diversity import Diversity
from service.recommending.postprocess.popularity_fill import top_up
from service.recommending.postprocess.taxonomy_filter import TaxonomyFilter
from service.recommending.postprocess.variants import Variants
from service.recommending.request import RecommendRequest
from service.recommending.scoring.scorer import Scorer
from service.recommending.searching.anchors import choose_anchors
from service.recommending.searching.search import Search
from service.recommending.shortlist import Scored, Shortlist
from service.recommending.weights import Weights
from service.settings import RecommendOptions, SearchForm
from service.support.arrays.array_types import Bool, Int32
from service.support.stopwatch import Observe, Stopwatch

if TYPE_CHECKING:
    from service.business_rules.planning.plan import Plan
    from service.business_rules.rulebook import Rulebook


class Recommender:
    """Answers from one bundle; safe to share between threads, since a request changes nothing.

    Attributes:
        options: how it recommends unless it is told otherwise; without a ranker where the bundle
            lacks what one needs.
        table: what the ranker's features are made from; None without a ranker.
    """

    def __init__(
        self,
        bundle: Bundle,
        options: RecommendOptions | None = None,
        weights: Weights | None = None,
        profiles: ProfileSource | None = None,
    ) -> None:
        """Prepares what all requests share.

        Args:
            bundle: where vectors, index, profiles and catalogue come from.
            options: how recommendations are made; by default the defaults, whatever the environment
                says.
            weights: of the parts of a score; by default those that the build chose.
            profiles: of users whose profile is not given; by default those of the bundle.

        Raises:
            BundleInvalidError: the bundle lacks what an option asks for.
        """
        options = options or RecommendOptions()
        if bundle.neighbour_indptr is None:
            options = options.model_copy(update={"ranker": False})
        self.options = options
        self._bundle = bundle
        self._weights = weights or Weights.read(bundle.manifest.serving)
        self._rows = bundle.item_vectors
        self._search = Search(bundle, self._weights)
        self._profiles = profiles or BundleProfiles(bundle)
        self._category_codes = bundle.catalogue.taxonomy.category.codes
        self._taxonomy = TaxonomyFilter.read(bundle, options)
        self._diversity = Diversity(self._rows, self._category_codes)
        self._variants = Variants.read(bundle)
        self._scorer = Scorer(bundle, self._weights, options)
        self.table = self._scorer.table

    def recommend(
        self,
        request: RecommendRequest,
        *,
        profile: Profile | None = None,
        rulebook: "Rulebook | None" = None,
        options: RecommendOptions | None = None,
        observe: Observe | None = None,
    ) -> Recommendations:
        """Returns the k items that belong with the basket, for this user.

        Exactly k distinct items, none in the basket and none excluded, whenever the catalogue has
        that many. An unknown user or item is no error. The answer depends on what the basket
        holds, not on its order.

        Args:
            request: whom to recommend to, and how many items.
            profile: the user's, if it has been read already.
            rulebook: the business rules.
            options: in place of the recommender's own; they may ask for less effort, not for more.
            observe: is told how long each stage took.
        """
        watch = Stopwatch(observe)
        plan = None if rulebook is None else rulebook.plan(request.store_id)
        now = time() if rulebook is None else rulebook.now()
        listed = self._shortlist(request, options or self.options, plan, profile, now, watch)
        scored = self._scored(listed, watch)
        arranged = self._arrange(listed, scored)
        knows_store = rulebook is None or rulebook.knows(request.store_id)
        answer = Recommendations(
            source=source_of(listed.profile is not None, len(listed.anchors) > 0),
            degraded=_lacks_something(listed) or not knows_store,
            unknown_items=listed.unknown_items,
            unknown_categories=listed.unknown_categories,
            candidates=len(listed.items),
            filled=listed.filled,
            items=self._describe(listed, scored, arranged),
        )
        watch.lap("postprocess")
        return answer

    def shortlist(self, request: RecommendRequest) -> Scored:
        """The candidates of a request, at least k where the catalogue has them, with scores."""
        watch = Stopwatch(None)
        listed = self._shortlist(request, self.options, None, None, time(), watch)
        return self._scored(listed, watch)

    def anchors(self, known: Int32, user_id: str | None) -> Int32:
        """The basket-anchor set of distinct, ascending item indices."""
        return self._anchors(known, user_id, self.options)

    def _shortlist(
        self,
        request: RecommendRequest,
        options: RecommendOptions,
        plan: "Plan | None",
        profile: Profile | None,
        now: float,
        watch: Stopwatch,
    ) -> Shortlist:
        if profile is None and request.user_id is not None:
            profile = self._profiles.get(request.user_id)
        known, unknown = self._bundle.catalogue.look_up(request.basket)
        catalogue, groups = self._bundle.catalogue, self._variants
        eligible = eligible_for(request, catalogue, known, profile, plan, now)
        named = (*request.exclude_categories, *request.include_categories)
        unknown_categories = catalogue.look_up_categories(named)[1] if named else []
        if groups is not None and options.group_cap:
            groups.leave_out(eligible, known)
        watch.lap("lookup")
        anchors = self._anchors(known, request.user_id, options)
        watch.lap("anchors")
        form = self._search_form(options)
        wanted = max(request.k, options.search_candidates)
        if form == "anchors":
            n_bought = len(profile.items) if profile else 0
            wanted += max(0, options.history_candidates - n_bought)
        found = self._search.find(form, anchors, profile, eligible, wanted)
        watch.lap("search")
        narrowed = bool(request.include_categories)
        items = merge(found, profile, eligible, narrowed, options.history_candidates)
        n_merged = len(items)
        items = self._topped_up(items, eligible, options, request.k)
        if plan is not None:
            items = plan.supply(items, eligible, request.k)
        found_out = (anchors, known, unknown, unknown_categories, items, len(items) - n_merged)
        return Shortlist(request, options, plan, profile, *found_out)

    def _scored(self, listed: Shortlist, watch: Stopwatch) -> Scored:
        """The candidates, diverse unless variants have to be left out before."""
        return self._scorer.score(listed, not self._caps_groups(listed.options), watch)

    def _caps_groups(self, options: RecommendOptions) -> bool:
        return self._variants is not None and options.group_cap > 0

    def _topped_up(self, items: Int32, eligible: Bool, options: RecommendOptions, k: int) -> Int32:
        """The candidates, with as many best sellers as a list of k needs."""
        if self._variants is not None and (cap := options.group_cap):
            eligible, k = self._variants.to_fill(items, eligible, cap, k)
        return top_up(items, eligible, self._category_codes, options.category_cap, k)

    def _search_form(self, options: RecommendOptions) -> SearchForm:
        """The mean in place of single anchors without a ranker: the blended score ranks by it."""
        ranked = self.table is not None and options.ranker
        return "mean" if options.search == "anchors" and not ranked else options.search

    def _anchors(self, known: Int32, user_id: str | None, options: RecommendOptions) -> Int32:
        limit, fraction = options.anchor_limit, options.anchor_fraction
        return choose_anchors(known, limit, fraction, user_id or "", self._bundle.bundle_id)

    def _arrange(self, listed: Shortlist, scored: Scored) -> Arranged:
        """The k recommendations: diverse, within the category cap, and as business rules want."""
        items, options, plan = listed.items, listed.options, listed.plan
        ranked, k = scored.order, listed.request.k
        if self._variants is not None and (cap := options.group_cap):
            first = None if plan is None else plan.pinnable(items, k)
            ranked = self._variants.best(items, ranked, cap, first)
            ranked = self._diversity.reorder(items, scored.scores, ranked, k, options)
        if options.category_cap:
            codes = self._category_codes[items]
            ranked = capped_first(codes, ranked, options.category_cap)
        if self._taxonomy is not None:
            ranked = self._taxonomy.apply(listed.anchors, items, ranked, k)
        return Arranged(ranked[:k], {}) if plan is None else plan.arrange(items, ranked, k)

    def _describe(
        self, listed: Shortlist, scored: Scored, arranged: Arranged
    ) -> list[Recommendation]:
        catalogue, chosen = self._bundle.catalogue, arranged.chosen
        items, scores = listed.items[chosen].tolist(), scored.scores[chosen].tolist()
        reasons: Iterable[Reasons | None] = repeat(None, len(items))
        if listed.request.explain:
            reasons = self._reasons(listed, scored, arranged)
        return list(map(_recommendation, zip(items, scores, reasons, repeat(catalogue))))

    def _reasons(self, listed: Shortlist, scored: Scored, arranged: Arranged) -> Iterator[Reasons]:
        chosen, anchors, plan = arranged.chosen, listed.anchors, listed.plan
        items = listed.items[chosen]
        of_each = self._scorer.parts(listed, scored, chosen)
        parts = zip(*(part.tolist() for part in of_each), strict=True)
        item_ids = self._bundle.catalogue.item_ids
        closest = closest_anchors(self._rows, items, anchors).tolist() if len(anchors) else None
        places = zip(items.tolist(), chosen.tolist(), parts, strict=True)
        for place, (item, position, (basket, user, popularity)) in enumerate(places):
            yield {
                "anchor": item_ids[closest[place]] if closest else None,
                "basket": basket,
                "user": user,
                "popularity": popularity,
                "rules": [] if plan is None else plan.touched(item, arranged.pinned.get(position)),
            }


# What `Recommendation._make` does, without a call in Python for each item.
_recommendation = partial(tuple.__new__, Recommendation)


def _lacks_something(listed: Shortlist) -> bool:
    """Whether the answer rests on less than the user and the basket that the request names."""
    request, profile = listed.request, listed.profile
    lacks_user = profile.fallback if profile is not None else request.user_id is not None
    return lacks_user or (bool(request.basket) and not len(listed.anchors))
