"""The recommender: from a shopper and a basket to k recommendations.

Offline evaluation runs this very class: ranking is never written twice.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt

from service.aggregate import (
    Candidates,
    Weights,
    build_queries,
    merge_candidates,
    score_parts,
)
from service.anchors import choose_anchors
from service.assortment import Assortment
from service.bundle import Bundle
from service.postprocess import best_first, cap_categories, diversify, top_up
from service.profiles import Profile, Profiles
from service.settings import Settings

__all__ = ["Reasons", "Recommendation", "Recommendations", "Recommender", "Source"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Source = Literal["user+basket", "basket", "user", "popularity"]


class Reasons(TypedDict):
    """Why an item is recommended; the three parts sum to its score.

    anchor is the basket item that contributed most; user holds the shopper's vector and history,
    popularity the prior and the shop's taxonomy weight.
    """

    anchor: str | None
    basket: float
    user: float
    popularity: float


@dataclass(frozen=True, slots=True)
class Recommendation:
    """One item of an answer; `score` is its blended score, before diversity reorders the list."""

    item_index: int
    item_id: str
    name: str
    category: str
    score: float
    reasons: Reasons | None = None


@dataclass(frozen=True, slots=True)
class Recommendations:
    """An answer.

    Attributes:
        source: what the answer rests on.
        degraded: whether that is less than what the request named.
        unknown_items: basket items that are not in the catalogue, in the request's order.
        candidates: number of candidates that were scored.
        filled: number of candidates that only the popularity fill brought.
        items: best first.
    """

    source: Source
    degraded: bool
    unknown_items: list[str]
    candidates: int
    filled: int
    items: list[Recommendation]


class Recommender:
    """Answers from one bundle; safe to share between threads, since a request changes nothing."""

    def __init__(
        self,
        bundle: Bundle,
        settings: Settings,
        observe: Callable[[str, float], None] | None = None,
        weights: Weights | None = None,
    ) -> None:
        """Prepares what all requests share.

        Args:
            bundle: where vectors, index, profiles and catalogue come from.
            settings: how recommendations are made.
            observe: is told the seconds that each stage took.
            weights: of the parts of a score; by default those that the build chose.

        Raises:
            AssortmentError: the blacklist or the taxonomy weights cannot be used.
        """
        self._bundle = bundle
        self._settings = settings
        self._observe = observe or (lambda _stage, _seconds: None)
        self._weights = weights or Weights.read(bundle.manifest.serving)
        self._profiles = Profiles(bundle)
        self._assortment = Assortment(
            bundle.catalogue, settings.blacklist, settings.taxonomy_weights
        )

    def recommend(
        self,
        user_id: str | None,
        basket: Sequence[str],
        k: int,
        exclude_items: Sequence[str] = (),
        exclude_categories: Sequence[str] = (),
        explain: bool = False,
    ) -> Recommendations:
        """Returns the k items that belong with the basket, for this shopper.

        Exactly k distinct items, none in the basket and none excluded, whenever the catalogue has
        that many. An unknown user or item never is an error. The answer depends on what the basket
        holds, not on its order.
        """
        lap = self._stopwatch()
        profile = self._profiles.get(user_id) if user_id is not None else None
        known, unknown = self._look_up(basket)
        eligible = self._assortment.eligible(known, exclude_items, exclude_categories)
        lap("lookup")
        anchors = self.anchors(known, user_id)
        lap("anchors")
        found = self._search(anchors, profile, k)
        lap("search")
        items = merge_candidates(found, profile, self._settings.history_candidates)
        items = items[eligible[items]]
        n_found = len(items)
        items = top_up(
            items, eligible, self._assortment.category_codes, self._settings.category_cap, k
        )
        candidates = score_parts(self._bundle.item_vectors, items, anchors, profile)
        lap("aggregate")
        scores = candidates.score(self._weights) + self._assortment.log_weights[items]
        ranked = best_first(scores)
        lap("rank")
        chosen = self._choose(items, scores, ranked, k)
        answer = Recommendations(
            source=_source(profile, anchors),
            degraded=(user_id is not None and profile is None) or (bool(basket) and not len(known)),
            unknown_items=unknown,
            candidates=len(items),
            filled=len(items) - n_found,
            items=self._describe(candidates, scores, chosen, anchors, explain),
        )
        lap("postprocess")
        return answer

    def candidates(self, user_id: str, basket: Sequence[str]) -> Candidates:
        """The scored candidates of a request before they are blended and ranked."""
        profile = self._profiles.get(user_id)
        known, _ = self._look_up(basket)
        anchors = self.anchors(known, user_id)
        found = self._search(anchors, profile, 0)
        items = merge_candidates(found, profile, self._settings.history_candidates)
        items = items[self._assortment.eligible(known, (), ())[items]]
        return score_parts(self._bundle.item_vectors, items, anchors, profile)

    def anchors(self, known: Int32, user_id: str | None) -> Int32:
        """The basket-anchor set of distinct, ascending item indices."""
        settings, bundle_id = self._settings, self._bundle.bundle_id
        return choose_anchors(
            known, settings.anchor_limit, settings.anchor_fraction, user_id or "", bundle_id
        )

    def _look_up(self, basket: Sequence[str]) -> tuple[Int32, list[str]]:
        index = self._bundle.catalogue.index
        known = {index[item] for item in basket if item in index}
        unknown = dict.fromkeys(item for item in basket if item not in index)
        return np.array(sorted(known), np.int32), list(unknown)

    def _search(self, anchors: Int32, profile: Profile | None, k: int) -> Int32:
        if not len(anchors) and profile is None:
            return np.empty((0, 0), np.int32)
        user_h = profile.user_h if profile else None
        queries = build_queries(self._bundle.item_vectors, anchors, user_h, self._weights)
        wanted = max(k, self._settings.candidates_per_anchor)
        _, found = self._bundle.retrieval.search(queries, min(wanted, len(self._bundle.catalogue)))
        return found

    def _choose(
        self, items: Int32, scores: Float32, ranked: npt.NDArray[np.intp], k: int
    ) -> npt.NDArray[np.intp]:
        """Positions of the k recommendations: diverse if wished, within the category cap."""
        settings = self._settings
        if settings.mmr_lambda < 1 and len(ranked) > 1:
            pool = ranked[: max(k, settings.mmr_pool)]
            vectors = self._bundle.item_vectors[items[pool], :-1]
            diverse = pool[diversify(vectors, scores[pool], k, settings.mmr_lambda)]
            ranked = np.concatenate([diverse, ranked[~np.isin(ranked, diverse)]])
        within = cap_categories(
            self._assortment.category_codes[items[ranked]], settings.category_cap
        )
        return np.concatenate([ranked[within], ranked[~within]])[:k]

    def _describe(
        self,
        candidates: Candidates,
        scores: Float32,
        chosen: npt.NDArray[np.intp],
        anchors: Int32,
        explain: bool,
    ) -> list[Recommendation]:
        catalogue = self._bundle.catalogue
        return [
            Recommendation(
                item,
                catalogue.item_ids[item],
                catalogue.names[item],
                catalogue.categories[item],
                score,
                self._reasons(candidates, position, anchors) if explain else None,
            )
            for item, score, position in zip(
                candidates.items[chosen].tolist(), scores[chosen].tolist(), chosen, strict=True
            )
        ]

    def _reasons(self, candidates: Candidates, position: np.intp, anchors: Int32) -> Reasons:
        weights = self._weights
        item_ids = self._bundle.catalogue.item_ids
        best = item_ids[anchors[candidates.cohesion[position].argmax()]] if len(anchors) else None
        log_weight = self._assortment.log_weights[candidates.items[position]]
        return {
            "anchor": best,
            "basket": float(candidates.basket[position]),
            "user": float(
                weights.user * candidates.user[position]
                + weights.history * candidates.history[position]
            ),
            "popularity": float(weights.popularity * candidates.popularity[position] + log_weight),
        }

    def _stopwatch(self) -> Callable[[str], None]:
        last = perf_counter()

        def lap(stage: str) -> None:
            nonlocal last
            now = perf_counter()
            self._observe(stage, now - last)
            last = now

        return lap


def _source(profile: Profile | None, anchors: Int32) -> Source:
    match profile is not None, len(anchors) > 0:
        case True, True:
            return "user+basket"
        case False, True:
            return "basket"
        case True, False:
            return "user"
        case _:
            return "popularity"
