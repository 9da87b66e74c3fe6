"""Offsets of rows that stand one after the other in a flat array."""

import numpy as np
import numpy.typing as npt

from service.support.arrays.array_types import Int64


def offsets(sizes: npt.ArrayLike) -> Int64:
    """Return where each row starts, and the end of the last one.

    Args:
        sizes: (n,) number of entries of each row.

    Returns:
        (n + 1,) int64: row i is `flat[offsets[i]:offsets[i + 1]]`.
    """
    counted = np.asarray(sizes)
    starts = np.zeros(len(counted) + 1, np.int64)
    np.cumsum(counted, out=starts[1:])
    return starts
