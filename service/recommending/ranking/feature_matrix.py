"""The compiled loop that fills the ranker's feature matrix: one formula for each feature.

Formulas refer to features, sums and facts by name. One whose feature is not in FEATURES does not
compile; that every feature has a formula is up to a test.
"""

from typing import Annotated, Any

import numba
import numpy as np

from service.recommending.ranking.known import Known
from service.recommending.ranking.scratch import Scratch, Totals
from service.support.arrays.array_types import Float32, Int32, Records
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout
from service.support.compiled.prefetching import prefetch, prefetch_line

_NEVER_DAYS = 9999.0  # since a purchase that did not happen
_LEAST = 1e-9  # divisor
# Candidates whose memory is asked for before they are computed, that of their neighbours last:
# where these are has to be known.
_FAR_AHEAD = 12
_AHEAD = 3


@numba.njit()
def _days_since_last(sums: Any) -> float:
    """Of a record with `purchases` and `days_since_last`."""
    return float(sums["days_since_last"]) if sums["purchases"] > 0 else _NEVER_DAYS


@numba.njit()
def _scale(largest: np.float32) -> float:
    return float(largest) if largest > 0 else 1.0


@numba.njit()
def _largest(sums: Records) -> tuple[float, float, float, float, float]:
    """The largest values of sums that features are relative to; 1 in place of 0."""
    recent = votes = late_votes = subcategory_votes = near = np.float32(0)
    for row in range(len(sums)):
        recent = max(recent, sums[row]["recency_60d"])
        votes = max(votes, sums[row]["like_basket_vote"])
        late_votes = max(late_votes, sums[row]["late_vote"])
        subcategory_votes = max(subcategory_votes, sums[row]["subcategory_vote"])
        near = max(near, sums[row]["cosine_sum"])
    votes_of_both = _scale(late_votes), _scale(subcategory_votes)
    return _scale(recent), _scale(votes), *votes_of_both, _scale(near)


@numba.njit(fastmath={"reassoc", "contract"})
def _history_weight(near: Int32, weight_back: Float32, recency: Float32) -> np.float32:
    """What the user's past adds to the prediction of an item with these neighbours."""
    total = np.float32(0)
    for at in range(len(near)):
        # Of an unsigned index the compiler need not ask whether it counts from the end.
        total += weight_back[at] * recency[np.uint32(near[at])]
    return total


@numba.njit()
def _count(codes: Int32, code: np.int32) -> float:
    """How many of the codes are this one."""
    count = 0
    for place in range(len(codes)):
        count += codes[place] == code
    return float(count)


@compiled()
def fill(
    known: Known,
    scratch: Scratch,
    totals: Totals,
    candidates: Int32,
    basket: Int32,
    parts: Annotated[Float32, Layout(axes=2)],
    rows: int,
    matrix: Annotated[Float32, Layout(axes=2, written=True)],
) -> None:
    """Computes the features of every candidate.

    Args:
        known: of all items.
        scratch: with the sums of items, and their recency.
        totals: with the other sums.
        candidates: (n,) item indices.
        basket: the present basket's items.
        parts: (3 or more, n), the parts basket, user and popularity of the blended score.
        rows: of the sums that are in use.
        matrix: (len(FEATURES), n) receives the features.
    """
    row_of, recency, sums = scratch.row_of, scratch.recency, scratch.sums[:rows]
    past, at, facts = totals.of_past[0], known.positions[0], known.facts
    subcategory_sums = totals.of_subcategory
    weight_14d = max(past["recency_14d"], _LEAST)
    weight_60d = max(past["recency_60d"], _LEAST)
    weight_180d = max(past["recency_180d"], _LEAST)
    lines, baskets, size = max(past["lines"], 1.0), max(past["baskets"], 1.0), max(len(basket), 1.0)
    last_basket = past["days_since_last"] if past["baskets"] > 0 else _NEVER_DAYS
    most_recent, most_votes, most_late_votes, most_subcategory_votes, most_near = _largest(sums)
    indptr, neighbour, weight_back = known.back
    basket_parts, user_parts, popularity_parts = parts[0], parts[1], parts[2]

    codes = np.empty((3, len(basket)), np.int32)
    subcategories, categories, departments = codes[0], codes[1], codes[2]
    for place in range(len(basket)):
        of_other = facts[basket[place]]
        subcategories[place] = of_other["subcategory"]
        categories[place] = of_other["category"]
        departments[place] = of_other["department"]

    for place in range(len(candidates)):
        item = candidates[place]
        if place + _FAR_AHEAD < len(candidates):
            coming = candidates[place + _FAR_AHEAD]
            prefetch_line(indptr, coming)
            prefetch_line(row_of, coming)
            prefetch_line(facts, coming)
        if place + _AHEAD < len(candidates) and past["baskets"] > 0:
            coming = candidates[place + _AHEAD]
            prefetch(neighbour, indptr[coming], indptr[coming + 1])
            prefetch(weight_back, indptr[coming], indptr[coming + 1])
        fact, of_item = facts[item], sums[row_of[item]]
        same_subcategory = _count(subcategories, fact["subcategory"])
        same_category = _count(categories, fact["category"])
        same_department = _count(departments, fact["department"])
        confidence = of_item["confidence_sum"] / size
        purchases = of_item["purchases"]
        last, gap = _days_since_last(of_item), _NEVER_DAYS
        if purchases > 1:
            gap = (of_item["days_since_first"] - last) / (purchases - 1)
        in_subcategory = subcategory_sums[fact["subcategory"]]
        near = slice(indptr[item], indptr[item + 1])
        from_history = np.float32(0)
        if past["baskets"] > 0:
            from_history = _history_weight(neighbour[near], weight_back[near], recency)

        matrix[at["neighbour_sum"], place] = of_item["cosine_sum"]
        matrix[at["neighbour_sum_relative"], place] = of_item["cosine_sum"] / most_near
        matrix[at["neighbour_max"], place] = of_item["cosine_max"]
        matrix[at["confidence_mean"], place] = confidence
        matrix[at["confidence_excess"], place] = confidence - fact["basket_share"]
        matrix[at["neighbour_weight_sum"], place] = of_item["weight_sum"]
        matrix[at["cohesion_basket"], place] = basket_parts[place]
        matrix[at["basket_size"], place] = size
        matrix[at["same_subcategory"], place] = same_subcategory
        matrix[at["same_category"], place] = same_category
        matrix[at["same_department_share"], place] = same_department / size
        matrix[at["purchases"], place] = purchases
        matrix[at["purchases_per_basket"], place] = purchases / baskets
        matrix[at["recency_14d"], place] = of_item["recency_14d"] / weight_14d
        matrix[at["recency_60d"], place] = of_item["recency_60d"] / weight_60d
        matrix[at["recency_180d"], place] = of_item["recency_180d"] / weight_180d
        matrix[at["recency_60d_relative"], place] = of_item["recency_60d"] / most_recent
        matrix[at["days_since_last"], place] = last
        matrix[at["mean_gap_days"], place] = gap
        matrix[at["days_since_last_per_gap"], place] = last / max(gap, 0.5)
        matrix[at["days_since_last_per_typical_gap"], place] = last / max(
            fact["typical_gap_days"], 0.5
        )
        matrix[at["like_basket_vote"], place] = of_item["like_basket_vote"]
        matrix[at["like_basket_vote_relative"], place] = of_item["like_basket_vote"] / most_votes
        matrix[at["late_vote_relative"], place] = of_item["late_vote"] / most_late_votes
        matrix[at["share_vote"], place] = of_item["share_vote"]
        matrix[at["subcategory_vote"], place] = of_item["subcategory_vote"]
        matrix[at["subcategory_vote_relative"], place] = (
            of_item["subcategory_vote"] / most_subcategory_votes
        )
        matrix[at["history_weight_sum"], place] = from_history / weight_60d
        matrix[at["cohesion_user"], place] = user_parts[place]
        matrix[at["cohesion"], place] = basket_parts[place] + user_parts[place]
        matrix[at["user_baskets"], place] = past["baskets"]
        matrix[at["days_since_last_basket"], place] = last_basket
        matrix[at["user_mean_basket_size"], place] = lines / baskets
        matrix[at["subcategory_share"], place] = in_subcategory["purchases"] / lines
        matrix[at["share_in_subcategory"], place] = purchases / max(
            in_subcategory["purchases"], 1.0
        )
        matrix[at["subcategory_recency_14d"], place] = in_subcategory["recency_14d"] / weight_14d
        matrix[at["subcategory_days_since_last"], place] = _days_since_last(in_subcategory)
        matrix[at["log_popularity"], place] = popularity_parts[place]
        matrix[at["log_popularity_7d"], place] = fact["log_popularity_7d"]
        matrix[at["log_popularity_14d"], place] = fact["log_popularity_14d"]
        matrix[at["log_popularity_30d"], place] = fact["log_popularity_30d"]
        matrix[at["log_popularity_90d"], place] = fact["log_popularity_90d"]
        matrix[at["log_share_of_subcategory"], place] = fact["log_share_of_subcategory"]
        matrix[at["log_buyers"], place] = fact["log_buyers"]
        matrix[at["purchases_per_buyer"], place] = fact["purchases_per_buyer"]
        matrix[at["typical_gap_days"], place] = fact["typical_gap_days"]
        matrix[at["new_buyer_share"], place] = fact["new_buyer_share"]
