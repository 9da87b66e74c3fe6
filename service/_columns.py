"""The compiled loop that fills the ranker's feature matrix."""

import numba
import numpy as np
import numpy.typing as npt
from numpy import float32 as f32

__all__ = ["NEVER_DAYS", "fill"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

NEVER_DAYS = 9999.0
_LEAST = 1e-9  # of what is divided by


@numba.njit(nogil=True, cache=True)
def fill(
    items: Int32,
    basket: Int32,
    parts: tuple[Float32, Float32, Float32],
    past: Float32,
    past_items: Int32,
    past_totals: Float32,
    n_past: int,
    last_basket_days: float,
    shelves: Float32,
    near: Float32,
    near_items: Int32,
    taxonomy: Int32,
    basket_share: Float32,
    trend: Float32,
    shelf_share: Float32,
    rhythm: Float32,
    n_columns: int,
) -> Float32:
    """Computes the features of every candidate, in the order of `service.ranking.FEATURES`.

    Args:
        items: (n,) the candidates.
        basket: the present basket's items.
        parts: (n,) each: what basket, user and popularity add to the blended score.
        past: (n_items, PAST_SUMS), from `service._passes.add_past_baskets`.
        past_items: the items that occur there.
        past_totals: (4,) likewise.
        n_past: number of past baskets.
        last_basket_days: days since the last of them.
        shelves: (n_shelves, 3), from `service._passes.add_past_baskets`.
        near: (n_items, 3), from `service._passes.add_neighbours`.
        near_items: the items that occur there.
        taxonomy: (n_items, 3) subcategory, category and department of each item, as numbers.
        basket_share: (n_items,) share of all baskets that hold the item.
        trend: (n_items, 4) log popularity lately.
        shelf_share: (n_items,) log share of the item in its subcategory lately.
        rhythm: (n_items, 4), see `index_builder.pasts.rhythm`.
        n_columns: number of features.

    Returns:
        (n_columns, n) float32.
    """
    weight_14d, weight_60d = max(past_totals[0], _LEAST), max(past_totals[1], _LEAST)
    weight_180d, lines = max(past_totals[2], _LEAST), max(past_totals[3], 1.0)
    baskets, size = max(n_past, 1.0), max(len(basket), 1.0)
    most_near = _largest(near, near_items, 0)
    most_recent = _largest(past, past_items, 2)
    most_votes = _largest(past, past_items, 6)
    most_late_votes = _largest(past, past_items, 7)
    basket_parts, user_parts, popularity_parts = parts
    shelves_of = taxonomy[basket]

    matrix = np.empty((n_columns, len(items)), np.float32)
    for place in range(len(items)):
        item = items[place]
        shelf, category, department = taxonomy[item, 0], taxonomy[item, 1], taxonomy[item, 2]
        same_shelf, same_category, same_department = 0.0, 0.0, 0.0
        for other in range(len(basket)):
            same_shelf += shelves_of[other, 0] == shelf
            same_category += shelves_of[other, 1] == category
            same_department += shelves_of[other, 2] == department
        confidence = near[item, 2] / size
        count, vote, late_vote = past[item, 0], past[item, 6], past[item, 7]
        last, gap = NEVER_DAYS, NEVER_DAYS
        if count > 0:
            last = past[item, 4]
        if count > 1:
            gap = (past[item, 5] - last) / (count - 1)
        shelf_count = shelves[shelf, 0]
        columns = (
            f32(near[item, 0]),
            f32(near[item, 0] / most_near),
            f32(near[item, 1]),
            f32(confidence),
            f32(confidence - basket_share[item]),
            f32(basket_parts[place]),
            f32(size),
            f32(same_shelf),
            f32(same_category),
            f32(same_department / size),
            f32(count),
            f32(count / baskets),
            f32(past[item, 1] / weight_14d),
            f32(past[item, 2] / weight_60d),
            f32(past[item, 3] / weight_180d),
            f32(past[item, 2] / most_recent),
            f32(last),
            f32(gap),
            f32(last / max(gap, 0.5)),
            f32(last / max(rhythm[item, 2], 0.5)),
            f32(vote),
            f32(vote / most_votes),
            f32(late_vote / most_late_votes),
            f32(past[item, 8]),
            f32(user_parts[place]),
            f32(n_past),
            f32(last_basket_days),
            f32(lines / baskets),
            f32(shelf_count / lines),
            f32(count / max(shelf_count, 1.0)),
            f32(shelves[shelf, 1] / weight_14d),
            f32(shelves[shelf, 2]),
            f32(popularity_parts[place]),
            f32(trend[item, 0]),
            f32(trend[item, 1]),
            f32(trend[item, 2]),
            f32(trend[item, 3]),
            f32(shelf_share[item]),
            f32(rhythm[item, 0]),
            f32(rhythm[item, 1]),
            f32(rhythm[item, 2]),
            f32(rhythm[item, 3]),
        )
        for column in range(len(columns)):
            matrix[column, place] = columns[column]
    return matrix


@numba.njit(nogil=True, cache=True)
def _largest(sums: Float32, items: Int32, column: int) -> float:
    """The maximum by which others are scaled; 1 where there is nothing to scale."""
    largest = np.float32(0)
    for item in items:
        largest = max(largest, sums[item, column])
    return float(largest) if largest > 0 else 1.0
