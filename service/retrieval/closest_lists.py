"""Lists of each item's closest, which the build made: candidates without a search.

Eq. 4 of the RTT2Vec paper scores an item against every anchor on its own, so that what an anchor
would find can be found before anyone asks. Several lists are merged by Borda's count: an item gets
as many points from a list as it has places from there to the end.
"""

import numpy as np

from service.support.arrays.array_types import Bool, Int32, Int64
from service.support.arrays.rank_keys import indices_of, rank_key
from service.support.compiled.compilation import compiled

_POINT_BITS = 16


def named_most(closest: Int32, anchors: Int32, eligible: Bool, count: int) -> Int32:
    """The eligible items with the most points in the anchors' lists.

    Args:
        closest: (n_items, places) int32, each item's closest, best first; -1 where there are none.
        anchors: (a,) int32.
        eligible: (n_items,) which items may be recommended.
        count: items wanted.

    Returns:
        (count,) int32 or fewer, most points first; of equal points the smaller item is first.
    """
    keys = _totals(np.sort(_points(closest, anchors, eligible)))
    return indices_of(np.sort(keys)[:count]).astype(np.int32)


@compiled(dimensions={"closest": 2})
def _points(closest: Int32, anchors: Int32, eligible: Bool) -> Int64:
    """Every place of every list: the item in the high bits, its points in the low ones."""
    places = closest.shape[1]
    keys = np.empty(len(anchors) * places, np.int64)
    n = 0
    for anchor in anchors:
        for place in range(places):
            item = closest[anchor, place]
            if item >= 0 and eligible[item]:
                keys[n] = np.int64(item) << _POINT_BITS | np.int64(places - place)
                n += 1
    return keys[:n]


@compiled()
def _totals(keys: Int64) -> Int64:
    """The sum of each item's points, as rank keys."""
    totals = np.empty_like(keys)
    n = 0
    start = 0
    while start < len(keys):
        item, points = keys[start] >> _POINT_BITS, np.int64(0)
        while start < len(keys) and keys[start] >> _POINT_BITS == item:
            points += keys[start] & ((1 << _POINT_BITS) - 1)
            start += 1
        totals[n] = rank_key(np.float32(points), item)
        n += 1
    return totals[:n]
