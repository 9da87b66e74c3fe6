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
