"""The compiled inner loops of ranking: sums over a shopper's past baskets and over neighbours.

Every sum goes into an array with a place for each item of the catalogue. The functions return the
items they touched, so that only those places need to be read, and cleared afterwards.
"""

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["PAST", "PAST_SUMS", "add_neighbours", "add_past_baskets", "clear", "inner_products"]

Bool = npt.NDArray[np.bool_]
Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]
Int64 = npt.NDArray[np.int64]

# Columns of the past sums, by item.
PAST = (
    "count",
    "short",
    "middle",
    "long",
    "last_days",
    "first_days",
    "vote",
    "late_vote",
    "share_vote",
)
PAST_SUMS = len(PAST)

_HALF_LIVES_DAYS = (14.0, 60.0, 180.0)
_SECONDS_PER_DAY = 86_400.0


@numba.njit(nogil=True, cache=True)
def add_past_baskets(
    in_basket: Bool,
    basket_size: int,
    as_of: int,
    begun: Int64,
    indptr: Int64,
    items: Int32,
    weight: Float32,
    shelf: Int32,
    sums: Float32,
    shelf_sums: Float32,
    touched: Int32,
) -> tuple[int, Float32]:
    """Adds up what a shopper bought before, and how much like the present basket that was.

    Args:
        in_basket: (n_items,) whether an item is in the present basket.
        basket_size: how many are.
        as_of: epoch seconds from which ages count.
        begun: (b,) start of each past basket, epoch seconds, oldest first.
        indptr: (b + 1,) offsets into `items`.
        items: the items of the past baskets.
        weight: (n_items,) what an item says about a basket: log of baskets per basket with it.
        shelf: (n_items,) subcategory of each item.
        sums: (n_items, PAST_SUMS), added to.
        shelf_sums: (n_shelves, 3): purchases, short-lived purchases, days since the last.
        touched: (n_items,) receives the items that were added to.

    Returns:
        The number of touched items, and [weights of all baskets at the three half-lives, lines].
    """
    n_touched = 0
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
            if in_basket[items[at]]:
                shared += 1
                shared_weight += weight[items[at]]
        cosine = np.float32(shared / np.sqrt(max(1, size * basket_size)))
        for at in range(indptr[basket], indptr[basket + 1]):
            item = items[at]
            if sums[item, 0] == 0:
                touched[n_touched] = item
                n_touched += 1
                sums[item, 5] = days
            sums[item, 0] += 1
            sums[item, 1] += short
            sums[item, 2] += middle
            sums[item, 3] += long
            sums[item, 4] = days
            sums[item, 6] += cosine
            sums[item, 7] += shared_weight * middle
            sums[item, 8] += long * shared / size
            shelf_sums[shelf[item], 0] += 1
            shelf_sums[shelf[item], 1] += short
            shelf_sums[shelf[item], 2] = days
    return n_touched, totals


@numba.njit(nogil=True, cache=True)
def add_neighbours(
    basket: Int32,
    indptr: Int64,
    neighbours: Int32,
    counts: Int32,
    item_count: Int32,
    shrinkage: float,
    sums: Float32,
    touched: Int32,
) -> int:
    """Adds up how often items were bought together with those of the basket.

    Args:
        basket: the present basket's items.
        indptr: (n_items + 1,) offsets into `neighbours` and `counts`.
        neighbours: items bought together with each item.
        counts: baskets that hold both.
        item_count: (n_items,) baskets that hold an item.
        shrinkage: added to the denominator of the cosine.
        sums: (n_items, 3): sum and maximum of the cosines, sum of the confidences; added to.
        touched: (n_items,) receives the items that were added to.

    Returns:
        The number of touched items.
    """
    n_touched = 0
    for item in basket:
        for at in range(indptr[item], indptr[item + 1]):
            other = neighbours[at]
            both = np.float32(counts[at])
            norm = np.sqrt(np.float32(item_count[item]) * np.float32(item_count[other]))
            cosine = np.float32(both / (norm + shrinkage))
            if sums[other, 0] == 0:
                touched[n_touched] = other
                n_touched += 1
            sums[other, 0] += cosine
            sums[other, 1] = max(sums[other, 1], cosine)
            sums[other, 2] += both / item_count[item]
    return n_touched


@numba.njit(nogil=True, cache=True)
def clear(sums: Float32, touched: Int32) -> None:
    """Sets the touched places back to zero."""
    for item in touched:
        for column in range(sums.shape[1]):
            sums[item, column] = 0


@numba.njit(nogil=True, cache=True, fastmath={"reassoc", "contract"})
def inner_products(rows: Float32, items: Int32, queries: Float32) -> Float32:
    """Multiplies some rows with two queries, without gathering the rows first.

    Args:
        rows: (n_items, width + 1); the last column is not multiplied.
        items: (n,) the rows that are wanted.
        queries: (2, width).

    Returns:
        (3, n): the products with each query, and the last column.
    """
    products = np.empty((3, len(items)), np.float32)
    width = queries.shape[1]
    for place in range(len(items)):
        row = rows[items[place]]
        first, second = np.float32(0), np.float32(0)
        for column in range(width):
            first += row[column] * queries[0, column]
            second += row[column] * queries[1, column]
        products[0, place], products[1, place], products[2, place] = first, second, row[width]
    return products


@numba.njit(nogil=True, cache=True)
def gather_candidates(
    found: Int32,
    eligible: Bool,
    near: Float32,
    near_items: Int32,
    past: Float32,
    past_items: Int32,
    blended: int,
    neighbours: int,
) -> Int32:
    """Unites what the index found with the best that the shopper's past and the neighbours bring.

    Args:
        found: item indices from the index, -1 where there are no more.
        eligible: (n_items,) which items may be recommended.
        near: (n_items, 3), from `add_neighbours`.
        near_items: the items that occur there.
        past: (n_items, PAST_SUMS), from `add_past_baskets`.
        past_items: the items that occur there.
        blended: at most so many by cosine and recency, each scaled to a maximum of 1.
        neighbours: at most so many by cosine alone.

    Returns:
        Distinct eligible items, ascending.
    """
    most_near, most_recent = np.float32(1e-9), np.float32(1e-9)
    for item in near_items:
        most_near = max(most_near, near[item, 0])
    for item in past_items:
        most_recent = max(most_recent, past[item, 2])
    either = np.empty(len(near_items) + len(past_items), np.int32)
    scores = np.empty(len(either), np.float32)
    cosines = np.empty(len(near_items), np.float32)
    n_near = 0
    for item in near_items:
        if eligible[item]:
            either[n_near], cosines[n_near] = item, near[item, 0]
            scores[n_near] = near[item, 0] / most_near + past[item, 2] / most_recent
            n_near += 1
    n = n_near
    for item in past_items:
        if eligible[item] and near[item, 0] == 0:
            either[n], scores[n] = item, past[item, 2] / most_recent
            n += 1
    best = _best(either[:n], scores[:n], blended)
    closest = _best(either[:n_near], cosines[:n_near], neighbours)
    united = np.sort(np.concatenate((found.ravel(), best, closest)))
    distinct = 0
    for place in range(len(united)):
        item = united[place]
        if item >= 0 and eligible[item] and (distinct == 0 or united[distinct - 1] != item):
            united[distinct] = item
            distinct += 1
    return united[:distinct].copy()


@numba.njit(nogil=True, cache=True)
def _best(items: Int32, scores: Float32, count: int) -> Int32:
    """The items of the `count` largest scores; of equal ones the first."""
    if len(items) <= count:
        return items
    if count == 0:
        return items[:0]
    least = np.partition(scores, len(scores) - count)[len(scores) - count]
    best = np.empty(count, np.int32)
    n = 0
    for place in range(len(items)):
        if scores[place] > least:
            best[n] = items[place]
            n += 1
    for place in range(len(items)):
        if n == count:
            break
        if scores[place] == least:
            best[n] = items[place]
            n += 1
    return best
