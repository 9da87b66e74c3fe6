"""The compiled inner loops of ranking: sums over a user's past baskets and over neighbours.

Each item with sums has a row of its own, given out when the item is first met. A request meets one
or two thousand items, and their rows stay in the processor's cache, however large the catalogue is.
Row 0 is all zeros and serves all other items.
"""

import numba
import numpy as np

from service.profiles.profile import UserBaskets
from service.recommending.ranking.known import Known
from service.recommending.ranking.scratch import Scratch, Totals
from service.support.arrays.array_types import Int32
from service.support.compiled.compilation import compiled
from service.support.compiled.prefetching import prefetch
from service.support.durations import DAY_S

_AHEAD = 12  # items whose memory is asked for before they are met


@numba.njit()
def _row(rows: int, item: int, row_of: Int32, items: Int32) -> tuple[int, int]:
    """The row of an item, the first free one if it has none, and the number of rows in use now.

    Without a branch, which the processor would often guess wrong.
    """
    own = row_of[item]
    row = rows if own == 0 else own
    row_of[item] = row
    items[row] = item
    return row, rows + (own == 0)


@compiled()
def add_past_baskets(
    known: Known,
    scratch: Scratch,
    totals: Totals,
    past: UserBaskets,
    basket_size: int,
    as_of: int,
) -> int:
    """Sums up a user's past baskets, and how much they resemble the present one.

    The recency of a purchase is 0.5 to the power of its age in half-lives of 14, 60 or 180 days.

    Args:
        known: of all items.
        scratch: knows the present basket; receives the sums and rows of the items that are met.
        totals: know the subcategories of the present basket; added to.
        past: the user's past baskets.
        basket_size: number of items in the present basket.
        as_of: epoch seconds from which ages count.

    Returns:
        The number of rows in use, row 0 among them.
    """
    in_basket, weight, subcategory = scratch.in_basket, known.weight, known.subcategory
    row_of, items, sums = scratch.row_of, scratch.items, scratch.sums
    subcategory_sums = totals.of_subcategory
    rows = 1
    total = totals.of_past[0]
    begun, indptr, lines = past
    for basket in range(len(begun)):
        days = np.float32((as_of - begun[basket]) / DAY_S)
        recency_14d = np.float32(0.5 ** (days / 14.0))
        recency_60d = np.float32(0.5 ** (days / 60.0))
        recency_180d = np.float32(0.5 ** (days / 180.0))
        size = indptr[basket + 1] - indptr[basket]
        total["baskets"] += 1
        total["lines"] += size
        total["recency_14d"] += recency_14d
        total["recency_60d"] += recency_60d
        total["recency_180d"] += recency_180d
        total["days_since_last"] = days
        shared, alike = 0, 0
        shared_weight = np.float32(0)
        for at in range(indptr[basket], indptr[basket + 1]):
            if at + _AHEAD < indptr[len(begun)]:
                coming = lines[at + _AHEAD]
                prefetch(subcategory, coming, coming + 1)
                prefetch(row_of, coming, coming + 1)
            alike += subcategory_sums[subcategory[lines[at]]]["in_basket"]
            if in_basket[lines[at]]:
                shared += 1
                shared_weight += weight[lines[at]]
        both = max(1, size * basket_size)
        cosine = np.float32(shared / np.sqrt(both))
        subcategory_vote = np.float32(alike * alike / both) * recency_60d
        late_vote, share_vote = shared_weight * recency_60d, recency_180d * shared / max(1, size)
        for at in range(indptr[basket], indptr[basket + 1]):
            item = lines[at]
            row, rows = _row(rows, item, row_of, items)
            of_item = sums[row]
            first = of_item["days_since_first"]
            of_item["days_since_first"] = days if of_item["purchases"] == 0 else first
            of_item["purchases"] += 1
            of_item["recency_14d"] += recency_14d
            of_item["recency_60d"] += recency_60d
            of_item["recency_180d"] += recency_180d
            of_item["days_since_last"] = days
            of_item["like_basket_vote"] += cosine
            of_item["late_vote"] += late_vote
            of_item["share_vote"] += share_vote
            of_item["subcategory_vote"] += subcategory_vote
            of_subcategory = subcategory_sums[subcategory[item]]
            of_subcategory["purchases"] += 1
            of_subcategory["recency_14d"] += recency_14d
            of_subcategory["days_since_last"] = days
    return rows


@compiled()
def add_neighbours(
    known: Known, scratch: Scratch, basket: Int32, shrinkage: float, rows: int
) -> int:
    """Sums up how often items were bought together with those of the basket.

    Args:
        known: of all items; the neighbours are looked up for each item of the basket.
        scratch: as `add_past_baskets` left it; added to.
        basket: the present basket's items.
        shrinkage: added to the denominator of the cosine.
        rows: number of rows in use, as `add_past_baskets` returns it.

    Returns:
        The number of rows in use now.
    """
    indptr, neighbours, counts, weights = (
        known.indptr, known.neighbour, known.counts, known.added
    )  # fmt: skip
    item_count, row_of, items, sums = (
        known.item_count, scratch.row_of, scratch.items, scratch.sums
    )  # fmt: skip
    for item in basket:
        prefetch(neighbours, indptr[item], indptr[item + 1])
        prefetch(counts, indptr[item], indptr[item + 1])
        prefetch(weights, indptr[item], indptr[item + 1])
    for item in basket:
        count = np.float32(item_count[item])
        for at in range(indptr[item], indptr[item + 1]):
            other = neighbours[at]
            if at + _AHEAD < indptr[item + 1]:
                coming = neighbours[at + _AHEAD]
                prefetch(item_count, coming, coming + 1)
                prefetch(row_of, coming, coming + 1)
            both = np.float32(counts[at])
            norm = np.sqrt(count * np.float32(item_count[other]))
            cosine = np.float32(both / (norm + shrinkage))
            row, rows = _row(rows, other, row_of, items)
            of_other = sums[row]
            of_other["cosine_sum"] += cosine
            of_other["cosine_max"] = max(of_other["cosine_max"], cosine)
            of_other["confidence_sum"] += both / count
            of_other["weight_sum"] += weights[at]
    return rows
