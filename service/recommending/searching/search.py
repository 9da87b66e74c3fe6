"""Search: the candidates that the basket brings.

In one of three forms (`RecommendOptions.search`):

anchors  One query for each anchor, as in the paper, answered from the anchor's prepared list. In
         place of lists that are too short the index is searched.
mean     One query of the index, the mean over the anchors: Eq. 4 is linear in the query.
none     No search: candidates come from the user's history and from popularity alone.
"""

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.searching.queries import build_queries, mean_query
from service.recommending.weights import Weights
from service.settings import SearchForm
from service.support.arrays.array_types import Bool, Int32


class Search:
    """The search of one bundle."""

    def __init__(self, bundle: Bundle, weights: Weights) -> None:
        self._weights = weights
        self._rows = bundle.item_vectors
        self._closest = bundle.closest_lists
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
            wanted: candidates that all queries together bring, about; at least 1.

        Returns:
            (n,) int32 item indices, not all of them eligible, -1 where there are no more; none for
            a stranger without anchors.
        """
        user_h = None if profile is None else profile.user_h
        if form == "none" or (not len(anchors) and user_h is None):
            return np.empty(0, np.int32)
        if form == "mean" or not len(anchors):
            query = mean_query(self._rows, anchors, user_h, self._weights)
            # The anchors find themselves.
            return self._index.search(query, self._at_most(wanted + len(anchors)))[1].ravel()
        queries = build_queries(self._rows, anchors, user_h, self._weights)
        of_each = -(-wanted // len(anchors))
        if of_each > self._closest.longest:
            _, indexed = self._index.search(queries, self._at_most(of_each + len(anchors)))
            # The index knows the vectors alone.
            return np.concatenate([indexed.ravel(), self._closest.items[anchors].ravel()])
        neighbour = self._weights.neighbour * len(anchors) ** (1 - self._weights.basket_exponent)
        return self._closest.best(queries, anchors, eligible, of_each, neighbour).ravel()

    def _at_most(self, k: int) -> int:
        return min(k, len(self._rows))
