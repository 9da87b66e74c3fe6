"""The compiled loop that fills the ranker's feature matrix."""

import numba
import numpy as np
from numpy import float32 as f32

from service.support.array_types import Float32, Int32

__all__ = ["FACTS", "NEVER_DAYS", "fill"]


# Columns of what is known of an item. They stand side by side, in one line of the processor's
# cache: a candidate is anywhere in the catalogue, and each line has to be fetched.
FACTS = (
    "subcategory",
    "category",
    "department",
    "basket_share",
    "log_popularity_7d",
    "log_popularity_14d",
    "log_popularity_30d",
    "log_popularity_90d",
    "log_share_of_subcategory",
    "log_buyers",
    "purchases_per_buyer",
    "typical_gap_days",
    "new_buyer_share",
)

NEVER_DAYS = 9999.0
_LEAST = 1e-9  # of what is divided by


@numba.njit(nogil=True, cache=True)
def fill(
    items: Int32,
    basket: Int32,
    parts: tuple[Float32, Float32, Float32],
    row_of: Int32,
    sums: Float32,
    past_totals: Float32,
    n_past: int,
    last_basket_days: float,
    shelves: Float32,
    facts: Float32,
    n_columns: int,
) -> Float32:
    """Computes the features of every candidate, in the order of FEATURES.

    Args:
        items: (n,) the candidates.
        basket: the present basket's items.
        parts: (n,) each: what basket, user and popularity add to the blended score.
        row_of: (n_items,) the row of each item, from `service.recommending.ranking.purchase_sums`.
        sums: (rows, len(SUMS)), likewise.
        past_totals: (4,) likewise.
        n_past: number of past baskets.
        last_basket_days: days since the last of them.
        shelves: (n_shelves, 3), from `service.recommending.ranking.purchase_sums.add_past_baskets`.
        facts: (n_items, len(FACTS)), what is known of each item whoever asks.
        n_columns: number of features.

    Returns:
        (n_columns, n) float32.
    """
    weight_14d, weight_60d = max(past_totals[0], _LEAST), max(past_totals[1], _LEAST)
    weight_180d, lines = max(past_totals[2], _LEAST), max(past_totals[3], 1.0)
    baskets, size = max(n_past, 1.0), max(len(basket), 1.0)
    most_recent, most_votes, most_late_votes, most_near = _largest(sums)
    basket_parts, user_parts, popularity_parts = parts
    shelves_of = facts[basket, :3]

    matrix = np.empty((n_columns, len(items)), np.float32)
    for place in range(len(items)):
        item = items[place]
        fact = facts[item]
        same_shelf, same_category, same_department = 0.0, 0.0, 0.0
        for other in range(len(basket)):
            same_shelf += shelves_of[other, 0] == fact[0]
            same_category += shelves_of[other, 1] == fact[1]
            same_department += shelves_of[other, 2] == fact[2]
        own = sums[row_of[item]]
        confidence = own[11] / size
        count, vote, late_vote = own[0], own[6], own[7]
        last, gap = NEVER_DAYS, NEVER_DAYS
        if count > 0:
            last = own[4]
        if count > 1:
            gap = (own[5] - last) / (count - 1)
        shelf = shelves[int(fact[0])]
        shelf_count = shelf[0]
        columns = (
            f32(own[9]),
            f32(own[9] / most_near),
            f32(own[10]),
            f32(confidence),
            f32(confidence - fact[3]),
            f32(basket_parts[place]),
            f32(size),
            f32(same_shelf),
            f32(same_category),
            f32(same_department / size),
            f32(count),
            f32(count / baskets),
            f32(own[1] / weight_14d),
            f32(own[2] / weight_60d),
            f32(own[3] / weight_180d),
            f32(own[2] / most_recent),
            f32(last),
            f32(gap),
            f32(last / max(gap, 0.5)),
            f32(last / max(fact[11], 0.5)),
            f32(vote),
            f32(vote / most_votes),
            f32(late_vote / most_late_votes),
            f32(own[8]),
            f32(user_parts[place]),
            f32(n_past),
            f32(last_basket_days),
            f32(lines / baskets),
            f32(shelf_count / lines),
            f32(count / max(shelf_count, 1.0)),
            f32(shelf[1] / weight_14d),
            f32(shelf[2]),
            f32(popularity_parts[place]),
            fact[4],
            fact[5],
            fact[6],
            fact[7],
            fact[8],
            fact[9],
            fact[10],
            fact[11],
            fact[12],
        )
        for column in range(len(columns)):
            matrix[column, place] = columns[column]
    return matrix


@numba.njit(nogil=True, cache=True)
def _largest(sums: Float32) -> tuple[float, float, float, float]:
    """The maxima by which others are scaled; 1 where there is nothing to scale."""
    recent, votes, late_votes, near = f32(0), f32(0), f32(0), f32(0)
    for row in range(len(sums)):
        recent = max(recent, sums[row, 2])
        votes = max(votes, sums[row, 6])
        late_votes = max(late_votes, sums[row, 7])
        near = max(near, sums[row, 9])
    return _scale(recent), _scale(votes), _scale(late_votes), _scale(near)


@numba.njit(nogil=True, cache=True)
def _scale(largest: np.float32) -> float:
    return float(largest) if largest > 0 else 1.0
