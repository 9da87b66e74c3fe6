"""Evidence: the sums over past and neighbours of one request, and the features made from them."""

from typing import Annotated

import numpy as np

from service.profiles.profile import UserBaskets
from service.recommending.ranking.feature_matrix import fill
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.known import Known
from service.recommending.ranking.purchase_sums import add_neighbours, add_past_baskets
from service.recommending.ranking.scratch import PAST_SUMS, SUBCATEGORY_SUMS, Scratch, Totals
from service.support.arrays.array_types import Float32, Float64, Int32
from service.support.compiled.clock import seconds
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout

_N_FEATURES = len(FEATURES)
_SHRINKAGE = 5.0  # of the cosine, so that few baskets in common count for little


@compiled()
def features(
    known: Known,
    scratch: Scratch,
    candidates: Int32,
    parts: Annotated[Float32, Layout(axes=2)],
    basket: Int32,
    past: UserBaskets,
    gathered: Annotated[Float64, Layout(written=True)],
) -> Float32:
    """Computes the features of candidates, (len(FEATURES), n), in the order of FEATURES.

    Args:
        known: of all items.
        scratch: the thread's own.
        candidates: (n,) item indices.
        parts: (3 or more, n), the parts basket, user and popularity of their blended score.
        basket: (b,) the present basket's items.
        past: the user's past baskets.
        gathered: (1,) receives the time at which all sums were made, by the clock of `seconds`.
    """
    in_basket, row_of, recency, items, sums = scratch
    of_subcategory = np.zeros(known.n_subcategories, SUBCATEGORY_SUMS)
    totals = Totals(of_subcategory, np.zeros(1, PAST_SUMS))
    for item in basket:
        in_basket[item] = True
        of_subcategory[known.subcategory[item]]["in_basket"] = True
    # Ages count from the build, or from the user's last basket if that is later.
    as_of = known.as_of if len(past.begun) == 0 else max(known.as_of, past.begun[-1])
    past_rows = add_past_baskets(known, scratch, totals, past, len(basket), as_of)
    for row in range(1, past_rows):
        recency[items[row]] = sums[row]["recency_60d"]
    rows = add_neighbours(known, scratch, basket, _SHRINKAGE, past_rows)
    gathered[0] = seconds()
    matrix = np.empty((_N_FEATURES, len(candidates)), np.float32)
    fill(known, scratch, totals, candidates, basket, parts, rows, matrix)
    for row in range(1, rows):
        row_of[items[row]] = 0
        recency[items[row]] = 0
        sums[row] = sums[0]
    for item in basket:
        in_basket[item] = False
    return matrix
