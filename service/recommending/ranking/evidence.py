"""Evidence: the sums over past and neighbours of one request, and the features made from them."""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from service.recommending.ranking.feature_matrix import POSITIONS, fill
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.item_facts import FACTS
from service.recommending.ranking.purchase_sums import (
    PAST_SUMS,
    SUBCATEGORY_SUMS,
    SUMS,
    add_neighbours,
    add_past_baskets,
)
from service.support.arrays.array_types import Bool, Float32, Float64, Int32, Int64, Records
from service.support.arrays.read_only import read_only
from service.support.compiled.clock import seconds
from service.support.compiled.compilation import compiled

_N_FEATURES = len(FEATURES)
_SHRINKAGE = 5.0  # of the cosine, so that few baskets in common count for little


class Known(NamedTuple):
    """What is known of all items and is the same for all requests; arrays are read-only.

    Attributes:
        facts: (n_items,) of FACTS.
        weight: (n_items,) float32, log of all baskets over those with the item.
        item_count: (n_items,) int32, baskets with the item.
        subcategory: (n_items,) int32.
        indptr: (n_items + 1,) int64, offsets into the arrays of neighbours.
        neighbour, counts, added: (pairs,) see `add_neighbours`.
        back: offsets, neighbours, and what each of these adds to the prediction of the item.
        positions: POSITIONS.
        n_subcategories: their number.
        as_of: epoch seconds of the build, from which ages count.
    """

    facts: Records
    weight: Float32
    item_count: Int32
    subcategory: Int32
    indptr: Int64
    neighbour: Int32
    counts: Int32
    added: Float32
    back: tuple[Int64, Int32, Float32]
    positions: Records
    n_subcategories: int
    as_of: int


class Scratch(NamedTuple):
    """Arrays that a request writes to and leaves as they were; clearing them whole is slow.

    Attributes:
        in_basket: (n_items,) all False.
        row_of: (n_items,) int32, all 0.
        recency: (n_items,) float32, all 0.
        items: (n_items + 1,) int32, of any value.
        sums: (n_items + 1,) of SUMS; row 0 is all 0.
    """

    in_basket: Bool
    row_of: Int32
    recency: Float32
    items: Int32
    sums: Records


def scratch_for(n_items: int) -> Scratch:
    """Scratch for a catalogue of this size."""
    return Scratch(
        in_basket=np.zeros(n_items, np.bool_),
        row_of=np.zeros(n_items, np.int32),
        recency=np.zeros(n_items, np.float32),
        items=np.zeros(n_items + 1, np.int32),
        sums=np.zeros(n_items + 1, SUMS),
    )


def _none(dtype: npt.DTypeLike) -> Any:
    return read_only(np.empty(0, dtype))


NO_SCRATCH = scratch_for(0)
NOTHING_KNOWN = Known(
    facts=_none(FACTS),
    weight=_none(np.float32),
    item_count=_none(np.int32),
    subcategory=_none(np.int32),
    indptr=_none(np.int64),
    neighbour=_none(np.int32),
    counts=_none(np.int32),
    added=_none(np.float32),
    back=(_none(np.int64), _none(np.int32), _none(np.float32)),
    positions=_none(POSITIONS.dtype),
    n_subcategories=0,
    as_of=0,
)


@compiled(
    dimensions={"parts": 2},
    written={"in_basket", "row_of", "recency", "items", "sums", "gathered"},
    records={"facts": FACTS, "positions": POSITIONS.dtype, "sums": SUMS},
)
def features(
    known: Known,
    scratch: Scratch,
    candidates: Int32,
    parts: Float32,
    basket: Int32,
    begun: Int64,
    past_indptr: Int64,
    past_items: Int32,
    gathered: Float64,
) -> Float32:
    """Computes the features of candidates, (len(FEATURES), n), in the order of FEATURES.

    Args:
        known: of all items.
        scratch: the thread's own.
        candidates: (n,) item indices.
        parts: (3 or more, n), the parts basket, user and popularity of their blended score.
        basket: (b,) the present basket's items.
        begun: (p,) start of each of the user's past baskets.
        past_indptr: (p + 1,) their offsets.
        past_items: their items.
        gathered: (1,) receives the time at which all sums were made, by the clock of `seconds`.
    """
    in_basket, row_of, recency, items, sums = scratch
    subcategory_sums = np.zeros(known.n_subcategories, SUBCATEGORY_SUMS)
    past_sums = np.zeros(1, PAST_SUMS)
    for item in basket:
        in_basket[item] = True
        subcategory_sums[known.subcategory[item]]["in_basket"] = True
    # Ages count from the build, or from the user's last basket if that is later.
    as_of = known.as_of if len(begun) == 0 else max(known.as_of, begun[-1])
    past_rows = add_past_baskets(
        in_basket, len(basket), as_of, begun, past_indptr, past_items, known.weight,
        known.subcategory, row_of, items, sums, subcategory_sums, past_sums,
    )  # fmt: skip
    for row in range(1, past_rows):
        recency[items[row]] = sums[row]["recency_60d"]
    rows = add_neighbours(
        basket, known.indptr, known.neighbour, known.counts, known.added, known.item_count,
        _SHRINKAGE, past_rows, row_of, items, sums,
    )  # fmt: skip
    gathered[0] = seconds()
    matrix = np.empty((_N_FEATURES, len(candidates)), np.float32)
    fill(
        candidates, basket, parts, row_of, recency, sums[:rows], subcategory_sums, past_sums,
        known.facts, known.back, known.positions, matrix,
    )  # fmt: skip
    for row in range(1, rows):
        row_of[items[row]] = 0
        recency[items[row]] = 0
    for item in basket:
        in_basket[item] = False
    return matrix
