"""Records that each fill one line of the processor's cache: reading one fetches one line."""

from typing import Any

import numpy as np
import numpy.typing as npt

from service.support.arrays.array_types import Records

_LINE_BYTES = 64


def line_of(fields: list[tuple[str, npt.DTypeLike]]) -> "np.dtype[np.void]":
    """Return the dtype of records with these fields, padded to a line.

    Raises:
        ValueError: the fields need more than a line.
    """
    names, formats = zip(*fields, strict=True)
    described: Any = {"names": names, "formats": formats, "itemsize": _LINE_BYTES}
    dtype: np.dtype[np.void] = np.dtype(described)
    return dtype


def empty_lines(n: int, dtype: "np.dtype[np.void]") -> Records:
    """Return n records of a dtype that `line_of` made, of any value, each in one line."""
    room = np.empty((n + 1) * _LINE_BYTES, np.uint8)
    start = -room.ctypes.data % _LINE_BYTES
    return room[start : start + n * _LINE_BYTES].view(dtype)
