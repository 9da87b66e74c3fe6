"""The ranker: features of every candidate, scored by trees that learned from real baskets.

It knows what the blended score cannot: the rhythm of a shopper's purchases, baskets of theirs
that were like this one, what other shoppers buy together, what sells lately. It brings candidates
of its own from the shopper's past and from the neighbours of the basket's items.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import local
from typing import NamedTuple

import numpy as np

from service.bundle.arrays import needed
from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.aggregate import PARTS, Candidates, Part
from service.recommending.ranking.feature_matrix import NEVER_DAYS, fill
from service.recommending.ranking.purchase_sums import (
    ITEM_OF_KEY,
    SUMS,
    add_neighbours,
    add_past_baskets,
    candidate_keys,
    clear,
    distinct,
)
from service.recommending.ranking.stored_trees import stored_trees
from service.support.array_types import Bool, Float32, Int32, Int64

__all__ = ["FEATURES", "Evidence", "FeatureTable", "Ranker"]


_SHRINKAGE = 5.0  # of the cosine: what two items bought together once or twice are worth
_DAY_S = 86_400
_NO_BASKETS = needed(np.empty(0, np.int64))
_NO_ITEMS = needed(np.empty(0, np.int32))

FEATURES: dict[str, Part] = {
    "neighbour_sum": "basket",
    "neighbour_sum_relative": "basket",
    "neighbour_max": "basket",
    "confidence_mean": "basket",
    "confidence_excess": "basket",
    "cohesion_basket": "basket",
    "basket_size": "basket",
    "same_subcategory": "basket",
    "same_category": "basket",
    "same_department_share": "basket",
    "purchases": "user",
    "purchases_per_basket": "user",
    "recency_14d": "user",
    "recency_60d": "user",
    "recency_180d": "user",
    "recency_60d_relative": "user",
    "days_since_last": "user",
    "mean_gap_days": "user",
    "days_since_last_per_gap": "user",
    "days_since_last_per_typical_gap": "user",
    "like_basket_vote": "user",
    "like_basket_vote_relative": "user",
    "late_vote_relative": "user",
    "share_vote": "user",
    "cohesion_user": "user",
    "user_baskets": "user",
    "days_since_last_basket": "user",
    "user_mean_basket_size": "user",
    "subcategory_share": "user",
    "share_in_subcategory": "user",
    "subcategory_recency_14d": "user",
    "subcategory_days_since_last": "user",
    "log_popularity": "popularity",
    "log_popularity_7d": "popularity",
    "log_popularity_14d": "popularity",
    "log_popularity_30d": "popularity",
    "log_popularity_90d": "popularity",
    "log_share_of_subcategory": "popularity",
    "log_buyers": "popularity",
    "purchases_per_buyer": "popularity",
    "typical_gap_days": "popularity",
    "new_buyer_share": "popularity",
}
"""The columns of the feature matrix, and the part of the score that each one speaks for."""


class Evidence(NamedTuple):
    """What one request's passes over the data found.

    Attributes:
        table: what all requests share.
        basket: (b,) int32, the present basket's items.
        row_of: (n_items,) int32, the row of each item in the sums; 0, all zeros, for most.
        items: (rows,) int32, the item of each row.
        sums: (rows, len(SUMS)) float32, over the shopper's past and the basket's neighbours.
        past_totals: (4,) float32, see `add_past_baskets`.
        shelves: (n_subcategories, 3) float32.
        baskets: number of past baskets.
        last_basket_days: days since the last of them.
    """

    table: "FeatureTable"
    basket: Int32
    row_of: Int32
    items: Int32
    sums: Float32
    past_totals: Float32
    shelves: Float32
    baskets: int
    last_basket_days: float

    def candidates(self, found: Int32, eligible: Bool, blended: int, neighbours: int) -> Int32:
        """The candidates: what the index found, and what past and neighbours bring; ascending.

        Args:
            found: (n,) item indices from lists or index, -1 where there are no more.
            eligible: (n_items,) which items may be recommended.
            blended: at most so many by neighbours and recency together.
            neighbours: and by neighbours alone.
        """
        either, near = candidate_keys(eligible, self.items, self.sums)
        keys = np.concatenate([_largest(either, blended), _largest(near, neighbours)])
        brought = (~keys & ITEM_OF_KEY).astype(np.int32)
        return distinct(np.sort(np.concatenate([found, brought])), eligible)

    def features(self, candidates: Candidates) -> Float32:
        """The features, shape (n, len(FEATURES)) float32, columns in the order of FEATURES."""
        table = self.table
        columns = fill(
            candidates.items, self.basket,
            (candidates.basket, candidates.user, candidates.popularity),
            self.row_of, self.sums, self.past_totals, self.baskets, self.last_basket_days,
            self.shelves,
            table.facts, len(FEATURES),
        )  # fmt: skip
        return columns.T  # by column in memory: so the trees read them


class _Scratch(local):
    """What passes write to, one set per thread, kept so that no request clears a catalogue."""

    def __init__(self, n_items: int) -> None:
        self.in_basket = np.zeros(n_items, np.bool_)
        self.row_of = np.zeros(n_items, np.int32)
        self.items = np.zeros(n_items + 1, np.int32)
        self.sums = np.zeros((n_items + 1, len(SUMS)), np.float32)


class FeatureTable:
    """What the features of all requests are made from."""

    def __init__(self, bundle: Bundle) -> None:
        """Prepares what all requests share; the bundle must hold neighbours and past baskets."""
        catalogue = bundle.catalogue
        levels = (catalogue.subcategories, catalogue.categories, catalogue.departments)
        taxonomy = np.stack([_codes(names) for names in levels], axis=1)
        self._shelf = needed(np.ascontiguousarray(taxonomy[:, 0]))
        self._n_shelves = int(self._shelf.max()) + 1
        counts = bundle.item_count.astype(np.float32)
        # Items were counted in the training baskets alone, not in those of newcomers.
        n_baskets = max(1, int(needed(bundle.past_indptr)[bundle.n_trained_users]))
        self._weight = np.log(n_baskets / np.maximum(counts, 1)).astype(np.float32)
        self._item_count = needed(bundle.item_count)
        self._neighbours = (
            needed(bundle.neighbour_indptr),
            needed(bundle.neighbour_item),
            needed(bundle.neighbour_count),
        )
        trend = needed(bundle.item_trend)
        month = np.exp(trend[:, 2])
        shelf_share = np.log(month / np.bincount(self._shelf, month)[self._shelf])
        share, rhythm = counts / np.float32(n_baskets), needed(bundle.item_rhythm)
        facts = np.column_stack([taxonomy, share, trend, shelf_share, rhythm])
        self.facts = needed(facts.astype(np.float32))
        as_of = datetime.fromisoformat(bundle.manifest.as_of)
        self._as_of = int(as_of.replace(tzinfo=UTC).timestamp())
        self._scratch = _Scratch(len(catalogue))

    @contextmanager
    def evidence(self, profile: Profile | None, basket: Int32) -> Iterator[Evidence]:
        """Passes over the shopper's past and the basket's neighbours; valid inside the block."""
        scratch = self._scratch
        shelves = np.zeros((self._n_shelves, 3), np.float32)
        shelves[:, 2] = NEVER_DAYS
        begun = profile.past_begun if profile else _NO_BASKETS
        # A newcomer's ages count from a last basket that is later than the build.
        as_of = max(self._as_of, int(begun[-1])) if len(begun) else self._as_of
        rows = 1
        scratch.in_basket[basket] = True
        try:
            rows, totals = add_past_baskets(
                scratch.in_basket,
                len(basket),
                as_of,
                begun,
                profile.past_indptr if profile else _NO_BASKETS,
                profile.past_items if profile else _NO_ITEMS,
                self._weight,
                self._shelf,
                scratch.row_of,
                scratch.items,
                scratch.sums,
                shelves,
            )
            rows = add_neighbours(
                basket,
                *self._neighbours,
                self._item_count,
                _SHRINKAGE,
                rows,
                scratch.row_of,
                scratch.items,
                scratch.sums,
            )
            yield Evidence(
                self,
                basket,
                scratch.row_of,
                scratch.items[:rows],
                scratch.sums[:rows],
                totals,
                shelves,
                len(begun),
                float(as_of - begun[-1]) / _DAY_S if len(begun) else NEVER_DAYS,
            )
        finally:
            clear(scratch.row_of, scratch.items[1:rows])
            scratch.in_basket[basket] = False


class Ranker:
    """The trees of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Reads the trees; the bundle must hold them.

        Raises:
            BundleInvalidError: they were trained on other features than these, or are too large.
        """
        self._trees = stored_trees(bundle, "tree", "tree_root", "features", FEATURES)
        self._parts = np.array([*FEATURES.values(), "popularity"])

    def score(self, features: Float32) -> Float32:
        """The score of every candidate, shape (n,) float32."""
        return self._trees.predict(features)

    def parts(self, features: Float32) -> dict[Part, Float32]:
        """The same score, split into what basket, user and popularity did to it."""
        contributions = self._trees.contributions(features)
        return {part: contributions[:, self._parts == part].sum(axis=1) for part in PARTS}


def _largest(keys: Int64, count: int) -> Int64:
    """The largest keys, in any order."""
    least = len(keys) - count
    return np.partition(keys, least)[least:] if 0 < least < len(keys) else keys[:count]


def _codes(names: list[str]) -> Int32:
    _, codes = np.unique(names, return_inverse=True)
    return codes.astype(np.int32)
