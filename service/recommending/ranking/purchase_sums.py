"""The compiled inner loops of ranking: sums over a user's past baskets and over neighbours.

Each item with sums has a row of its own, given out when the item is first met. A request meets one
or two thousand items, and their rows stay in the processor's cache, however large the catalogue is.
Row 0 is all zeros and serves all other items.

Rows are records with named fields. Their dtype is part of the signature of a compiled loop, so that
Numba's cache never applies old code to fields that have moved.
"""

import numba
import numpy as np

from service.profiles.profile import UserBaskets
from service.support.arrays.array_types import Bool, Float32, Int32, Int64, Records
from service.support.compiled.compilation import compiled
from service.support.compiled.prefetching import prefetch
from service.support.durations import DAY_S

_AHEAD = 12  # items whose memory is asked for before they are met

# Sums of one item, over the past baskets that hold it and over the basket's items that have it as a
# neighbour.
SUMS = np.dtype(
    [
        ("purchases", np.float32),
        ("recency_14d", np.float32),
        ("recency_60d", np.float32),
        ("recency_180d", np.float32),
        ("days_since_last", np.float32),
        ("days_since_first", np.float32),
        ("like_basket_vote", np.float32),
        ("late_vote", np.float32),
        ("share_vote", np.float32),
        ("subcategory_vote", np.float32),
        ("cosine_sum", np.float32),
        ("cosine_max", np.float32),
        ("confidence_sum", np.float32),
        ("weight_sum", np.float32),
    ]
)

# Sums of one subcategory over the past baskets, and whether the present basket has an item of it.
SUBCATEGORY_SUMS = np.dtype(
    [
        ("purchases", np.float32),
        ("recency_14d", np.float32),
        ("days_since_last", np.float32),
        ("in_basket", np.bool_),
    ]
)

# Sums over all past baskets; a recency is that of an item which every basket holds.
PAST_SUMS = np.dtype(
    [
        ("baskets", np.float32),
        ("lines", np.float32),
        ("recency_14d", np.float32),
        ("recency_60d", np.float32),
        ("recency_180d", np.float32),
        ("days_since_last", np.float32),
    ]
)


@numba.njit()
def _new_row(rows: int, item: int, row_of: Int32, items: Int32, sums: Records) -> int:
    """Gives an item the first free row; returns the number of rows in use now."""
    row_of[item] = rows
    items[rows] = item
    sums[rows] = sums[0]
    return rows + 1


@compiled(
    written={"row_of", "items", "sums", "subcategory_sums", "past_sums"},
    records={"sums": SUMS, "subcategory_sums": SUBCATEGORY_SUMS, "past_sums": PAST_SUMS},
)
def add_past_baskets(
    in_basket: Bool,
    basket_size: int,
    as_of: int,
    past: UserBaskets,
    weight: Float32,
    subcategory: Int32,
    row_of: Int32,
    items: Int32,
    sums: Records,
    subcategory_sums: Records,
    past_sums: Records,
) -> int:
    """Sums up a user's past baskets, and how much they resemble the present one.

    The recency of a purchase is 0.5 to the power of its age in half-lives of 14, 60 or 180 days.

    Args:
        in_basket: (n_items,) whether each item is in the present basket.
        basket_size: number of items in the present basket.
        as_of: epoch seconds from which ages count.
        past: the user's past baskets.
        weight: (n_items,) inverse document frequency: log of all baskets over those with the item.
        subcategory: (n_items,) of each item.
        row_of: (n_items,) all 0; receives the row of each item met.
        items: (n_items + 1,) receives the item of each row.
        sums: (n_items + 1,) of SUMS; row 0 is all zeros, the others receive the sums.
        subcategory_sums: (n_subcategories,) of SUBCATEGORY_SUMS; all 0 but `in_basket`, added to.
        past_sums: (1,) of PAST_SUMS, added to.

    Returns:
        The number of rows in use, row 0 among them.
    """
    rows = 1
    total = past_sums[0]
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
        for at in range(indptr[basket], indptr[basket + 1]):
            item = lines[at]
            row = row_of[item]
            if row == 0:
                row, rows = rows, _new_row(rows, item, row_of, items, sums)
                sums[row]["days_since_first"] = days
            of_item = sums[row]
            of_item["purchases"] += 1
            of_item["recency_14d"] += recency_14d
            of_item["recency_60d"] += recency_60d
            of_item["recency_180d"] += recency_180d
            of_item["days_since_last"] = days
            of_item["like_basket_vote"] += cosine
            of_item["late_vote"] += shared_weight * recency_60d
            of_item["share_vote"] += recency_180d * shared / size
            of_item["subcategory_vote"] += subcategory_vote
            of_subcategory = subcategory_sums[subcategory[item]]
            of_subcategory["purchases"] += 1
            of_subcategory["recency_14d"] += recency_14d
            of_subcategory["days_since_last"] = days
    return rows


@compiled(written={"row_of", "items", "sums"}, records={"sums": SUMS})
def add_neighbours(
    basket: Int32,
    indptr: Int64,
    neighbours: Int32,
    counts: Int32,
    weights: Float32,
    item_count: Int32,
    shrinkage: float,
    rows: int,
    row_of: Int32,
    items: Int32,
    sums: Records,
) -> int:
    """Sums up how often items were bought together with those of the basket.

    Args:
        basket: the present basket's items.
        indptr: (n_items + 1,) offsets into `neighbours`, `counts` and `weights`.
        neighbours: items bought together with each item.
        counts: number of baskets that hold both.
        weights: what the item adds to the prediction of its neighbour.
        item_count: (n_items,) number of baskets that hold each item.
        shrinkage: added to the denominator of the cosine.
        rows: number of rows in use, as `add_past_baskets` returns it.
        row_of: as `add_past_baskets` left it; added to.
        items: as `add_past_baskets` left it; added to.
        sums: as `add_past_baskets` left it; added to.

    Returns:
        The number of rows in use now.
    """
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
            row = row_of[other]
            if row == 0:
                row, rows = rows, _new_row(rows, other, row_of, items, sums)
            of_other = sums[row]
            of_other["cosine_sum"] += cosine
            of_other["cosine_max"] = max(of_other["cosine_max"], cosine)
            of_other["confidence_sum"] += both / count
            of_other["weight_sum"] += weights[at]
    return rows
