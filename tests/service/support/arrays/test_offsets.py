"""Offsets, and the rows that they cut from a flat array."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.support.arrays.offsets import offsets


def test_rows_follow_each_other() -> None:
    assert offsets([2, 0, 3]).tolist() == [0, 2, 2, 5]
    assert offsets([]).tolist() == [0]


@given(st.lists(st.lists(st.integers(0, 9), max_size=5), max_size=8))
def test_they_cut_the_rows_out_again(rows: list[list[int]]) -> None:
    flat = [entry for row in rows for entry in row]
    starts = offsets(np.array([len(row) for row in rows], np.int32))
    assert starts.dtype == np.int64
    assert [flat[a:b] for a, b in pairwise(starts)] == rows
