"""Search: the candidates that the vectors bring.

In one of four forms (`Settings.search`):

lists    The anchors' lists, merged by Borda's count: nothing is computed but points. That will do
         for a shopper whose past brings candidates too; a stranger's come from the index.
mean     One query of the index, the mean over the anchors: Eq. 4 is linear in the query.
anchors  One query for each anchor, as in the paper. What is best for an anchor and this shopper is
         all but always near the top of what is best for the anchor alone, so that a long list,
         scored again for the shopper, holds the answer of the index. Short ones are passed over.
none     Nothing: what the shopper bought before is all there is, and what sells best.
"""

import numpy as np

from service.bundle.arrays import needed
from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.aggregate import Weights, build_queries, mean_query
from service.retrieval import rescore
from service.retrieval.closest_lists import named_most
from service.settings import Settings
from service.support.array_types import Bool, Float32, Int32

__all__ = ["PLACES_PER_CANDIDATE", "Search"]


PLACES_PER_CANDIDATE = 3
"""How much longer a list must be than what is asked of it; 3 finds .98 or more of the best."""


class Search:
    """The search of one bundle."""

    def __init__(self, bundle: Bundle, settings: Settings, weights: Weights) -> None:
        self._form = settings.search
        self._weights = weights
        self._rows = needed(bundle.item_vectors)
        no_lists = np.empty((len(self._rows), 0), np.int32)
        self._closest = needed(no_lists if bundle.closest_item is None else bundle.closest_item)
        self._index = bundle.retrieval

    def find(self, anchors: Int32, profile: Profile | None, eligible: Bool, wanted: int) -> Int32:
        """The candidates for these anchors and this shopper.

        Args:
            anchors: (a,) int32, the basket-anchor set.
            profile: the shopper, if known.
            eligible: (n_items,) which items may be recommended.
            wanted: candidates that each query, or all lists together, bring; at least 1.

        Returns:
            (n,) int32 item indices, not all of them eligible, -1 where there are no more; none for
            a stranger without anchors.
        """
        if self._form == "none" or (not len(anchors) and profile is None):
            return np.empty(0, np.int32)
        if self._form == "lists" and profile is not None:
            found = named_most(self._closest, anchors, eligible, wanted)
            if len(found) == wanted:
                return found
        queries = self._queries(anchors, profile)
        of_each = wanted + len(anchors)  # which find themselves
        long_enough = self._closest.shape[1] >= PLACES_PER_CANDIDATE * wanted
        if self._form == "anchors" and long_enough and len(anchors):
            lists = self._closest[anchors].astype(np.int64)
            _, listed = rescore(self._rows, queries, lists, of_each)
            return listed.ravel()
        _, indexed = self._index.search(queries, min(of_each, len(self._rows)))
        return indexed.ravel()

    def _queries(self, anchors: Int32, profile: Profile | None) -> Float32:
        build = build_queries if self._form == "anchors" else mean_query
        return build(self._rows, anchors, profile.user_h if profile else None, self._weights)
