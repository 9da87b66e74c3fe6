"""Lanes against the same in NumPy."""

from typing import Annotated

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.support.arrays.array_types import Float32
from service.support.compiled.compilation import compiled
from service.support.compiled.lanes import (
    LANES,
    add,
    all_bits,
    choose,
    high_half,
    keep,
    of_lowest_bit,
    store,
    zeros,
)
from service.support.compiled.layout import Layout


@compiled()
def look_up(
    numbers: Float32,
    limit: np.float32,
    kept: int,
    table: Float32,
    found: Annotated[Float32, Layout(written=True)],
) -> None:
    """Looks up the first kept bit of the numbers above a limit, and bit 0 of all others."""
    words = keep(all_bits(), numbers, 0, limit, kept)
    low, high = of_lowest_bit(table, 0, words), of_lowest_bit(table, LANES, high_half(words))
    store(found, 0, add(zeros(), choose(words, low, high)))


numbers = st.floats(width=32, allow_subnormal=False)


@given(st.lists(numbers, min_size=LANES, max_size=LANES), numbers, st.integers(0, 2 * LANES - 1))
def test_each_lane_finds_what_it_would_alone(values: list[float], limit: float, bit: int) -> None:
    table = np.arange(2 * LANES, dtype=np.float32) + 1
    found = np.empty(LANES, np.float32)
    kept = (0xFFFFFFFF << bit) & 0xFFFFFFFF
    look_up(np.array(values, np.float32), np.float32(limit), kept, table, found)
    assert found.tolist() == [1 if value <= limit else table[bit] for value in values]
