"""Lists of each item's closest items, which the build made, scored again for a request.

Eq. 4 of the RTT2Vec paper scores an item against every anchor on its own, so that what an anchor
finds can be prepared before anyone asks. The user's part of a query moves few items far: a list
that is some times longer than what is wanted holds nearly all that a search would find.

A list is made by the vectors and by the neighbour weight of each pair (see
`index_builder.statistics.neighbour_weights`), which is kept beside its item.
"""

from typing import Annotated, NamedTuple

import numpy as np

from service.retrieval._ranking import as_keys
from service.retrieval._recall import share_found
from service.support.arrays.array_types import Bool, Float32, Int32, Int64
from service.support.arrays.rank_keys import best_keys, indices_of, rank_key
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout
from service.support.compiled.prefetching import prefetch

_AHEAD = 3  # items whose memory is asked for before they are scored
_NOTHING = np.int64(2**63 - 1)  # after every rank key

_BLOCK = 1 << 22  # scores in memory at once


class Listed(NamedTuple):
    """The closest items of each item.

    Attributes:
        items: (n_items, places) int32, best first; -1 where there are no more.
        weights: (n_items, places) float32, the neighbour weight of each.
    """

    items: Annotated[Int32, Layout(axes=2)]
    weights: Annotated[Float32, Layout(axes=2)]


class ClosestLists:
    """The lists of all items.

    Attributes:
        rows: (n_items, 2d + 1) float32, the item vectors.
        listed: their closest items, without any place if the bundle has no lists.
    """

    def __init__(
        self, rows: Float32, items: Int32 | None, weights: Float32 | None, places_per_item: int
    ) -> None:
        """Shares these arrays.

        Args:
            rows: (n_items, 2d + 1) float32, the item vectors.
            items: (n_items, places) int32, each item's closest, best first; -1 where there are no
                more.
            weights: (n_items, places) float32, the neighbour weight of each; None if all are 0.
            places_per_item: how much longer a list must be than what is asked of it.
        """
        self.rows = rows
        if items is None:
            items = np.empty((len(rows), 0), np.int32)
        if weights is None:
            weights = np.zeros(items.shape, np.float32)
        self.listed = Listed(read_only(items), read_only(weights))
        self._places_per_item = places_per_item

    @property
    def longest(self) -> int:
        """The most items of each anchor for which the lists are long enough."""
        return int(self.listed.items.shape[1]) // self._places_per_item

    def places(self, k: int) -> int:
        """How many places of each list are looked at for k items."""
        return min(int(self.listed.items.shape[1]), self._places_per_item * k)

    def best(
        self, queries: Float32, anchors: Int32, eligible: Bool, k: int, neighbour: float
    ) -> Int32:
        """The best k eligible items of each anchor's list.

        Args:
            queries: (a, 2d + 1) float32, one for each anchor.
            anchors: (a,) int32.
            eligible: (n_items,) which items may be recommended.
            k: items of each anchor, at least 1.
            neighbour: weight of a neighbour weight beside the inner product with the query.

        Returns:
            (a, k) int32, best first, of equal scores the smaller item; -1 where there are no more.
        """
        weight, places = np.float32(neighbour), self.places(k)
        return best_listed(self.rows, queries, self.listed, anchors, eligible, weight, k, places)


def measure_list_recall(
    lists: ClosestLists,
    queries: Float32,
    anchors: Int32,
    neighbour_indptr: Int64,
    neighbour_item: Int32,
    neighbour_weight: Float32,
    neighbour: float,
) -> float:
    """Return ann_recall_at_k of the lists, for the largest k that they are long enough for.

    Args:
        lists: the lists to measure; `rows` are those that exact search looks through.
        queries: (n, 2d + 1) float32, each of one anchor.
        anchors: (n,) int32, the anchor of each.
        neighbour_indptr: (n_items + 1,) int64, offsets of each item's neighbours.
        neighbour_item: (pairs,) int32, the neighbours.
        neighbour_weight: (pairs,) float32, of each.
        neighbour: weight of a neighbour weight.
    """
    k, n_items = lists.longest, len(lists.rows)
    every = np.ones(n_items, np.bool_)
    exact = np.full((len(queries), k), -1)
    others = min(k, n_items - 1)
    step = max(1, _BLOCK // n_items)
    for start in range(0, len(queries), step):
        some = slice(start, start + step)
        scores = queries[some] @ lists.rows.T
        for of_query, anchor in zip(scores, anchors[some], strict=True):
            near = slice(*neighbour_indptr[anchor : anchor + 2])
            of_query[neighbour_item[near]] += np.float32(neighbour) * neighbour_weight[near]
            of_query[anchor] = -np.inf
        exact[some, :others] = indices_of(best_keys(as_keys(scores, 0), others))
    return share_found(exact, lists.best(queries, anchors, every, k, neighbour))


@compiled(fastmath={"reassoc", "contract"})
def best_listed(
    rows: Annotated[Float32, Layout(axes=2)],
    queries: Annotated[Float32, Layout(axes=2)],
    listed: Listed,
    anchors: Int32,
    eligible: Bool,
    neighbour: np.float32,
    k: int,
    places: int,
) -> Int32:
    """The best k eligible items among the first places of each anchor's list: `ClosestLists.best`.

    An item's rank is the number of keys before its own, which is counted without a branch.
    """
    items, weights = listed
    best = np.full((len(anchors), k), np.int32(-1))
    keys = np.empty(places, np.int64)
    columns, flat = rows.shape[1], rows.reshape(-1)
    for anchor in anchors:
        first = anchor * items.shape[1]
        prefetch(items.reshape(-1), first, first + places)
        prefetch(weights.reshape(-1), first, first + places)
    for line in range(len(anchors)):
        anchor, query = anchors[line], queries[line]
        for place in range(places):
            if place + _AHEAD < places:
                coming = np.intp(items[anchor, place + _AHEAD]) * columns
                prefetch(flat, coming, coming + columns)
            item = items[anchor, place]
            keys[place] = _NOTHING
            if item >= 0 and eligible[item]:
                score = np.float32(0)
                for column in range(len(query)):
                    score += query[column] * rows[item, column]
                score += neighbour * weights[anchor, place]
                keys[place] = rank_key(score, item)
        for place in range(places):
            rank = 0
            for other in range(places):
                rank += keys[other] < keys[place]
            if rank < k and keys[place] != _NOTHING:
                best[line, rank] = items[anchor, place]
    return best
