"""Scratch: large arrays in unnamed files, which the system may move out of memory."""

from tempfile import TemporaryFile
from typing import TypeVar

import numpy as np
import numpy.typing as npt

_SMALL_BYTES = 1 << 24
_Scalar = TypeVar("_Scalar", bound=np.generic)


def scratch(length: int, dtype: type[_Scalar]) -> npt.NDArray[_Scalar]:
    """Makes an array of zeros; a large one is a file in the folder for temporary files.

    The file has no name, and is gone with the array. Places that are never written take no room.

    Raises:
        OSError: the disk is full.
    """
    size = length * np.dtype(dtype).itemsize
    if size <= _SMALL_BYTES:
        return np.zeros(length, dtype)
    with TemporaryFile(prefix="rtt2vec-") as file:
        file.truncate(size)
        return np.asarray(np.memmap(file, dtype, "r+", shape=(length,)))
