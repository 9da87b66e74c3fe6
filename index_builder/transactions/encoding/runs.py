"""Runs: pairs of numbers in order, whatever their number, by way of the disk."""

from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import pairwise
from pathlib import Path

import numpy as np

from service.support.arrays.array_types import Int32, Int64

_RUN = 1 << 24  # pairs in memory at once
_CODE = (1 << 32) - 1


def sorted_runs(
    pairs: Iterable[tuple[Int64, Int32]], folder: Path, n_places: int, n_pairs: int
) -> Iterator[tuple[Int64, Int32]]:
    """Yields the distinct pairs in order, some 16 M at a time; a place is never split.

    Args:
        pairs: places from 0 to n_places - 1, with codes of 0 or more, in any order.
        folder: for temporary files, of 8 bytes a pair.
        n_places: number of places.
        n_pairs: number of pairs at most, to divide the places by.
    """
    n_runs = -(-max(1, n_pairs) // _RUN)
    width = -(-max(1, n_places) // n_runs)
    files = [folder / f"run-{run}" for run in range(n_runs)]
    with ExitStack() as opened:
        runs = [opened.enter_context(file.open("wb")) for file in files]
        for place, code in pairs:
            keys = np.sort((place.astype(np.int64) << 32) | code)
            bounds = np.searchsorted(keys, np.arange(n_runs + 1, dtype=np.int64) * width << 32)
            for run, (start, stop) in enumerate(pairwise(bounds.tolist())):
                if start < stop:
                    keys[start:stop].tofile(runs[run])
    for file in files:
        keys = np.fromfile(file, np.int64)
        file.unlink()
        keys.sort()
        keys = keys[np.diff(keys, prepend=-1) != 0]
        if len(keys):
            yield keys >> 32, (keys & _CODE).astype(np.int32)
