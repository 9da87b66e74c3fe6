"""Search: the candidates that the basket brings.

In one of three forms (`RecommendOptions.search`):

anchors  One query for each anchor, as in the paper, answered from the anchor's prepared list. In
         place of lists that are too short the index is searched.
mean     One query of the index, the mean over the anchors: Eq. 4 is linear in the query.
none     No search: candidates come from the user's history and from popularity alone.
"""

from typing import Annotated, NamedTuple

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile, nobody
from service.recommending.searching.queries import build_queries, mean_query
from service.recommending.weights import Weights
from service.retrieval.closest_lists import Listed, best_listed
from service.settings import SearchForm
from service.support.arrays.array_types import Bool, Float32, Int32
from service.support.compiled.compilation import compiled, unchecked
from service.support.compiled.layout import Layout


class Search:
    """The search of one bundle."""

    def __init__(self, bundle: Bundle, weights: Weights) -> None:
        self._weights = weights
        self._rows = bundle.item_vectors
        self._closest = bundle.closest_lists
        self._index = bundle.retrieval
        self._no_user = nobody(bundle.dimension).user_h

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
        of_each = -(-wanted // len(anchors))
        if of_each > self._closest.longest:
            queries = build_queries(self._rows, anchors, user_h, self._weights)
            _, indexed = self._index.search(queries, self._at_most(of_each + len(anchors)))
            # The index knows the vectors alone.
            return np.concatenate([indexed.ravel(), self._closest.listed.items[anchors].ravel()])
        weights, lists = self._weights, self._closest
        factor = len(anchors) ** (1 - weights.basket_exponent)
        return _find(
            self._rows, lists.listed, anchors, eligible,
            self._no_user if user_h is None else user_h,
            _Factors(factor, weights.user, weights.popularity, weights.neighbour),
            of_each, lists.places(of_each),
        )  # fmt: skip

    def _at_most(self, k: int) -> int:
        return min(k, len(self._rows))


class _Factors(NamedTuple):
    """What the parts of a query are multiplied with.

    Attributes:
        anchor: the anchor's part, and neighbour weights.
        user: the user's part.
        popularity: the prior.
        neighbour: a neighbour weight.
    """

    anchor: float
    user: float
    popularity: float
    neighbour: float


@compiled()
def _find_listed(
    rows: Annotated[Float32, Layout(axes=2)],
    listed: Listed,
    anchors: Int32,
    eligible: Bool,
    user_h: Float32,
    factors: _Factors,
    k: int,
    places: int,
) -> Int32:
    """The best k of each anchor's list for a user, by the queries of `build_queries`, (a * k,).

    Args:
        rows: (n_items, 2d + 1), [p_i ; q_i ; prior].
        listed: the lists.
        anchors: (a,) items.
        eligible: (n_items,) which items may be found.
        user_h: (d,), zeros for a stranger.
        factors: of the parts of a query.
        k: items of each anchor.
        places: of each list that are looked at.
    """
    d = len(user_h)
    queries = np.empty((len(anchors), 2 * d + 1), np.float32)
    for line in range(len(anchors)):
        row = rows[anchors[line]]
        for column in range(d):
            of_user = np.float32(factors.user) * user_h[column]
            queries[line, column] = np.float32(factors.anchor) * row[d + column] + of_user
            queries[line, d + column] = np.float32(factors.anchor) * row[column] + of_user
        queries[line, 2 * d] = factors.popularity
    of_neighbour = np.float32(factors.neighbour * factors.anchor)
    found = best_listed(rows, queries, listed, anchors, eligible, of_neighbour, k, places)
    return found.reshape(-1)


_find = unchecked(_find_listed)
