"""Scratch: arrays for what one request adds up."""

from typing import NamedTuple

import numpy as np

from service.recommending.ranking.purchase_sums import SUMS
from service.support.arrays.array_types import Bool, Float32, Int32, Records


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


NO_SCRATCH = scratch_for(0)
