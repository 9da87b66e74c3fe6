"""Prefetching changes nothing, whatever is asked for."""

import numpy as np

from service.support.arrays.array_types import Float32
from service.support.compiled.compilation import compiled
from service.support.compiled.prefetching import prefetch, prefetch_line


@compiled()
def total(numbers: Float32, start: int, stop: int) -> float:
    """The sum of all numbers, of which a range is asked for before."""
    prefetch_line(numbers, start)
    prefetch(numbers, start, stop)
    return float(numbers.sum())


def test_it_changes_nothing_and_may_reach_beyond_the_array() -> None:
    numbers = np.arange(100, dtype=np.float32)
    for start, stop in ((0, 100), (90, 1000), (-5000, 3), (7, 7), (9, 2)):
        assert total(numbers, start, stop) == 4950
