"""Search: the candidates that the vectors bring.

In one of four forms (`RecommendOptions.search`):

anchors  One query for each anchor, as in the paper. The best items for an anchor and this user are
         nearly always near the top of the best for the anchor alone, so that a long prepared list,
         scored again for the user, holds what the index would find. Short lists are passed over.
mean     One query of the index, the mean over the anchors: Eq. 4 is linear in the query.
lists    The anchors' prepared lists, merged by Borda's count, without any search. They know nothing
         of the user; for a stranger the index is searched.
none     No search: candidates come from the user's history and from popularity alone.
"""

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.searching.queries import build_queries, mean_query
from service.recommending.weights import Weights
from service.retrieval import rescore
from service.retrieval.closest_lists import named_most
from service.settings import SearchForm
from service.support.arrays.array_types import Bool, Int32
from service.support.arrays.read_only import read_only

PLACES_PER_CANDIDATE = 4
"""How much longer a list must be than what is asked of it; 4 finds .98 or more of the best."""


class Search:
    """The search of one bundle."""

    def __init__(self, bundle: Bundle, weights: Weights) -> None:
        self._weights = weights
        self._rows = bundle.item_vectors
        no_lists = read_only(np.empty((len(self._rows), 0), np.int32))
        self._closest = no_lists if bundle.closest_item is None else bundle.closest_item
        self._index = bundle.retrieval

    def find(
        self,
        form: SearchForm,
        anchors: Int32,
        profile: Profile | None,
        eligible: Bool,
        wanted: int,
    ) -> Int32:
        """The candidates for these anchors and this user.

        Args:
            form: see above.
            anchors: (a,) int32, the basket-anchor set.
            profile: the user, if known.
            eligible: (n_items,) which items may be recommended.
            wanted: candidates that each query, or all lists together, bring; at least 1.

        Returns:
            (n,) int32 item indices, not all of them eligible, -1 where there are no more; none for
            a stranger without anchors.
        """
        if form == "none" or (not len(anchors) and profile is None):
            return np.empty(0, np.int32)
        if form == "lists" and profile is not None:
            found = named_most(self._closest, anchors, eligible, wanted)
            if len(found) == wanted:
                return found
        build = build_queries if form == "anchors" else mean_query
        queries = build(self._rows, anchors, profile.user_h if profile else None, self._weights)
        places = PLACES_PER_CANDIDATE * wanted
        long_enough = self._closest.shape[1] >= places
        if form == "anchors" and long_enough and len(anchors):
            lists = self._closest[anchors, :places].astype(np.int64)
            lists[~eligible[lists]] = -1
            _, listed = rescore(self._rows, queries, lists, wanted)
            return listed.ravel()
        of_each = wanted + len(anchors)  # which find themselves
        _, indexed = self._index.search(queries, min(of_each, len(self._rows)))
        return indexed.ravel()
