"""Lists of each item's closest items, which the build made, scored again for a request.

Eq. 4 of the RTT2Vec paper scores an item against every anchor on its own, so that what an anchor
finds can be prepared before anyone asks. The user's part of a query moves few items far: a list
that is some times longer than what is wanted holds nearly all that a search would find.

A list is made by the vectors and by the neighbour weight of each pair (see
`index_builder.statistics.neighbour_weights`), which is kept beside its item.
"""

import numpy as np

from service.retrieval._ranking import as_keys
from service.retrieval._recall import share_found
from service.support.arrays.array_types import Bool, Float32, Int32, Int64
from service.support.arrays.rank_keys import best_keys, indices_of, rank_key, unpack
from service.support.compiled.compilation import compiled

_BLOCK = 1 << 22  # scores in memory at once


class ClosestLists:
    """The lists of all items.

    Attributes:
        rows: (n_items, 2d + 1) float32, the item vectors.
        items: (n_items, places) int32; see `best`. Without any place if the bundle has no lists.
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
        self.items = np.empty((len(rows), 0), np.int32) if items is None else items
        self._places_per_item = places_per_item
        self._weights = np.zeros(self.items.shape, np.float32) if weights is None else weights

    @property
    def longest(self) -> int:
        """The most items of each anchor for which the lists are long enough."""
        return int(self.items.shape[1]) // self._places_per_item

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
        places = min(self.items.shape[1], self._places_per_item * k)
        keys = _keys(
            self.rows, queries, self.items, self._weights, anchors, eligible,
            np.float32(neighbour), max(places, k), places,
        )  # fmt: skip
        keys.sort(axis=1)
        _, items = unpack(np.ascontiguousarray(keys[:, :k]))
        return items


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


@compiled(
    dimensions={"rows": 2, "queries": 2, "items": 2, "weights": 2},
    fastmath={"reassoc", "contract"},
)
def _keys(
    rows: Float32,
    queries: Float32,
    items: Int32,
    weights: Float32,
    anchors: Int32,
    eligible: Bool,
    neighbour: np.float32,
    width: int,
    places: int,
) -> Int64:
    """A rank key for each place of each anchor's list, (a, width); last those that hold nothing."""
    keys = np.full((len(anchors), width), rank_key(np.float32(-np.inf), -1))
    for line in range(len(anchors)):
        anchor, query = anchors[line], queries[line]
        for place in range(places):
            item = items[anchor, place]
            if item >= 0 and eligible[item]:
                score = np.float32(0)
                for column in range(len(query)):
                    score += query[column] * rows[item, column]
                score += neighbour * weights[anchor, place]
                keys[line, place] = rank_key(score, item)
    return keys
