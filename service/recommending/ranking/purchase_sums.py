"""The compiled inner loops of ranking: sums over a shopper's past baskets and over neighbours.

What is summed up about an item stands in a row of its own, which the item gets when it is first
met: a request touches a thousand items or two, and their rows lie side by side in the processor's
cache, however large the catalogue. Row 0 is all zeros and serves every item that was never met.
"""

import numba
import numpy as np

from service.support.array_types import Bool, Float32, Int32, Int64

__all__ = ["ITEM_OF_KEY", "SUMS", "add_neighbours", "add_past_baskets", "candidate_keys", "clear"]
__all__ += ["distinct", "mean_swapped", "score_candidates"]


# Columns of the sums.
SUMS = (
    "count",
    "short",
    "middle",
    "long",
    "last_days",
    "first_days",
    "vote",
    "late_vote",
    "share_vote",
    "cosine_sum",
    "cosine_max",
    "confidence_sum",
)

_HALF_LIVES_DAYS = (14.0, 60.0, 180.0)
_SECONDS_PER_DAY = 86_400.0
ITEM_OF_KEY = np.int64(0x7FFFFFFF)  # of the complement


@numba.njit(nogil=True, cache=True)
def add_past_baskets(
    in_basket: Bool,
    basket_size: int,
    as_of: int,
    begun: Int64,
    indptr: Int64,
    lines: Int32,
    weight: Float32,
    shelf: Int32,
    row_of: Int32,
    items: Int32,
    sums: Float32,
    shelf_sums: Float32,
) -> tuple[int, Float32]:
    """Adds up what a shopper bought before, and how much like the present basket that was.

    Args:
        in_basket: (n_items,) whether an item is in the present basket.
        basket_size: how many are.
        as_of: epoch seconds from which ages count.
        begun: (b,) start of each past basket, epoch seconds, oldest first.
        indptr: (b + 1,) offsets into `lines`.
        lines: the items of the past baskets.
        weight: (n_items,) what an item says about a basket: log of baskets per basket with it.
        shelf: (n_items,) subcategory of each item.
        row_of: (n_items,) the row of each item, all 0; receives the rows that are given out.
        items: (n_items + 1,) receives the item of each row.
        sums: (n_items + 1, len(SUMS)) receives the sums.
        shelf_sums: (n_shelves, 3): purchases, short-lived purchases, days since the last.

    Returns:
        The number of rows in use, row 0 among them, and [weights of all baskets at the three
        half-lives, number of lines].
    """
    rows = 1
    totals = np.zeros(4, np.float32)
    for basket in range(len(begun)):
        days = np.float32((as_of - begun[basket]) / _SECONDS_PER_DAY)
        short = np.float32(0.5 ** (days / _HALF_LIVES_DAYS[0]))
        middle = np.float32(0.5 ** (days / _HALF_LIVES_DAYS[1]))
        long = np.float32(0.5 ** (days / _HALF_LIVES_DAYS[2]))
        size = indptr[basket + 1] - indptr[basket]
        totals[0] += short
        totals[1] += middle
        totals[2] += long
        totals[3] += size
        shared = 0
        shared_weight = np.float32(0)
        for at in range(indptr[basket], indptr[basket + 1]):
            if in_basket[lines[at]]:
                shared += 1
                shared_weight += weight[lines[at]]
        cosine = np.float32(shared / np.sqrt(max(1, size * basket_size)))
        for at in range(indptr[basket], indptr[basket + 1]):
            item = lines[at]
            row = row_of[item]
            if row == 0:
                row, rows = rows, _new_row(rows, item, row_of, items, sums)
                sums[row, 5] = days
            sums[row, 0] += 1
            sums[row, 1] += short
            sums[row, 2] += middle
            sums[row, 3] += long
            sums[row, 4] = days
            sums[row, 6] += cosine
            sums[row, 7] += shared_weight * middle
            sums[row, 8] += long * shared / size
            shelf_sums[shelf[item], 0] += 1
            shelf_sums[shelf[item], 1] += short
            shelf_sums[shelf[item], 2] = days
    return rows, totals


@numba.njit(nogil=True, cache=True)
def add_neighbours(
    basket: Int32,
    indptr: Int64,
    neighbours: Int32,
    counts: Int32,
    item_count: Int32,
    shrinkage: float,
    rows: int,
    row_of: Int32,
    items: Int32,
    sums: Float32,
) -> int:
    """Adds up how often items were bought together with those of the basket.

    Args:
        basket: the present basket's items.
        indptr: (n_items + 1,) offsets into `neighbours` and `counts`.
        neighbours: items bought together with each item.
        counts: baskets that hold both.
        item_count: (n_items,) baskets that hold an item.
        shrinkage: added to the denominator of the cosine.
        rows: how many are in use.
        row_of: as `add_past_baskets` left it; added to.
        items: likewise.
        sums: likewise.

    Returns:
        The number of rows in use now.
    """
    for item in basket:
        own = np.float32(item_count[item])
        for at in range(indptr[item], indptr[item + 1]):
            other = neighbours[at]
            both = np.float32(counts[at])
            norm = np.sqrt(own * np.float32(item_count[other]))
            cosine = np.float32(both / (norm + shrinkage))
            row = row_of[other]
            if row == 0:
                row, rows = rows, _new_row(rows, other, row_of, items, sums)
            sums[row, 9] += cosine
            sums[row, 10] = max(sums[row, 10], cosine)
            sums[row, 11] += both / own
    return rows


@numba.njit(nogil=True, cache=True)
def _new_row(rows: int, item: int, row_of: Int32, items: Int32, sums: Float32) -> int:
    """Gives an item the first free row; returns how many are in use now."""
    row_of[item] = rows
    items[rows] = item
    sums[rows] = 0
    return rows + 1


@numba.njit(nogil=True, cache=True)
def clear(row_of: Int32, items: Int32) -> None:
    """Takes their rows from these items."""
    for item in items:
        row_of[item] = 0


@numba.njit(nogil=True, cache=True)
def candidate_keys(eligible: Bool, items: Int32, sums: Float32) -> tuple[Int64, Int64]:
    """What makes a candidate of the items in the rows, as keys that sort: the best come last.

    A key holds the bits of a score, which is not negative, above the complement of the item: of
    equal scores the smaller item is better. (NumPy partitions integers with vector instructions;
    a compiled loop would, with its branches on data, take three times as long.)

    Args:
        eligible: (n_items,) which items may be recommended.
        items: (rows,) the item of each row; row 0 is nobody's.
        sums: (rows, len(SUMS)).

    Returns:
        Keys of all eligible items, by cosine and recency, each scaled to a maximum of 1; and keys
        of those among them that are neighbours, by cosine.
    """
    most_recent, most_near = np.float32(1e-9), np.float32(1e-9)
    for row in range(1, len(items)):
        most_recent = max(most_recent, sums[row, 2])
        most_near = max(most_near, sums[row, 9])
    scores = np.empty(2, np.float32)
    bits = scores.view(np.int32)
    either, near = np.empty(len(items), np.int64), np.empty(len(items), np.int64)
    n_either, n_near = 0, 0
    for row in range(1, len(items)):
        if eligible[items[row]]:
            scores[0] = sums[row, 9] / most_near + sums[row, 2] / most_recent
            scores[1] = sums[row, 9]
            below = ITEM_OF_KEY & ~np.int64(items[row])
            either[n_either] = np.int64(bits[0]) << 32 | below
            near[n_near] = np.int64(bits[1]) << 32 | below
            n_either += 1
            n_near += scores[1] > 0
    return either[:n_either], near[:n_near]


@numba.njit(nogil=True, cache=True)
def distinct(items: Int32, eligible: Bool) -> Int32:
    """The eligible ones of ascending items, each once; -1 stands for none."""
    kept = np.empty_like(items)
    n = 0
    for item in items:
        if item >= 0 and eligible[item] and (n == 0 or kept[n - 1] != item):
            kept[n] = item
            n += 1
    return kept[:n]


@numba.njit(nogil=True, cache=True)
def mean_swapped(rows: Float32, anchors: Int32) -> Float32:
    """The mean of [q_i ; p_i] over the anchors, (2d,); zero without any.

    Args:
        rows: (n_items, 2d + 1), [p_i ; q_i ; prior].
        anchors: (a,) items.
    """
    width = rows.shape[1] - 1
    d = width // 2
    mean = np.zeros(width, np.float32)
    for anchor in anchors:
        for column in range(d):
            mean[column] += rows[anchor, d + column]
            mean[d + column] += rows[anchor, column]
    for column in range(width):
        mean[column] /= np.float32(max(1, len(anchors)))
    return mean


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def score_candidates(
    rows: Float32,
    items: Int32,
    basket: Float32,
    user_h: Float32,
    bought: Int32,
    recency: Float32,
    recency_scale: np.float32,
) -> Float32:
    """What basket, user, popularity and history add to the score of each candidate.

    Args:
        rows: (n_items, 2d + 1), [p_i ; q_i ; prior].
        items: (n,) the candidates, ascending.
        basket: (2d,) from `mean_swapped`.
        user_h: (d,), zero for a stranger.
        bought: (h,) items of the shopper's history, ascending.
        recency: (h,) of each.
        recency_scale: see `service.recommending.aggregate`.

    Returns:
        (4, n), not yet weighted.
    """
    parts = np.zeros((4, len(items)), np.float32)
    d = len(user_h)
    at = 0
    for place in range(len(items)):
        item = items[place]
        row = rows[item]
        to_basket, to_user = np.float32(0), np.float32(0)
        for column in range(d):
            to_basket += row[column] * basket[column]
            to_user += row[column] * user_h[column]
        for column in range(d):
            to_basket += row[d + column] * basket[d + column]
            to_user += row[d + column] * user_h[column]
        parts[0, place], parts[1, place], parts[2, place] = to_basket, to_user, row[2 * d]
        while at < len(bought) and bought[at] < item:
            at += 1
        if at < len(bought) and bought[at] == item:
            parts[3, place] = np.log1p(recency_scale * recency[at])
    return parts
