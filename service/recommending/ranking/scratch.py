"""Scratch: arrays for what one request adds up.

Rows are records with named fields. Their dtype is part of the signature of a compiled loop, so that
Numba's cache never applies old code to fields that have moved.
"""

from typing import Annotated, NamedTuple

import numpy as np

from service.support.arrays.array_types import Bool, Float32, Int32, Records
from service.support.compiled.layout import Layout

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


class Scratch(NamedTuple):
    """Arrays that a request writes to and leaves as they were; clearing them whole is slow.

    Attributes:
        in_basket: (n_items,) all False.
        row_of: (n_items,) int32, all 0.
        recency: (n_items,) float32, all 0.
        items: (n_items + 1,) int32, of any value.
        sums: (n_items + 1,) of SUMS, all 0; row 0 stays so.
    """

    in_basket: Annotated[Bool, Layout(written=True)]
    row_of: Annotated[Int32, Layout(written=True)]
    recency: Annotated[Float32, Layout(written=True)]
    items: Annotated[Int32, Layout(written=True)]
    sums: Annotated[Records, Layout(written=True, dtype=SUMS)]


class Totals(NamedTuple):
    """Sums of one request that are not of single items.

    Attributes:
        of_subcategory: (n_subcategories,) of SUBCATEGORY_SUMS.
        of_past: (1,) of PAST_SUMS.
    """

    of_subcategory: Annotated[Records, Layout(written=True, dtype=SUBCATEGORY_SUMS)]
    of_past: Annotated[Records, Layout(written=True, dtype=PAST_SUMS)]


def scratch_for(n_items: int) -> Scratch:
    """Scratch for a catalogue of this size."""
    return Scratch(
        in_basket=np.zeros(n_items, np.bool_),
        row_of=np.zeros(n_items, np.int32),
        recency=np.zeros(n_items, np.float32),
        items=np.zeros(n_items + 1, np.int32),
        sums=np.zeros(n_items + 1, SUMS),
    )


NO_SCRATCH = scratch_for(0)
