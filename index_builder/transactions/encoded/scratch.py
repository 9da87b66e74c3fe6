"""Scratch: large arrays in unnamed files, which the system may move out of memory."""

import os
from tempfile import TemporaryFile, gettempdir
from typing import TypeVar

import numpy as np
import numpy.typing as npt

_SMALL_BYTES = 1 << 24
_Scalar = TypeVar("_Scalar", bound=np.generic)


def scratch(length: int, dtype: type[_Scalar]) -> npt.NDArray[_Scalar]:
    """Makes an array of zeros; a large one is a file in the folder for temporary files.

    The file has no name, and is gone with the array.

    Raises:
        OSError: there is no room for it.
    """
    size = length * np.dtype(dtype).itemsize
    if size <= _SMALL_BYTES:
        return np.zeros(length, dtype)
    with TemporaryFile(prefix="rtt2vec-") as file:
        try:
            # Room that is missing later would end the process without a word.
            os.posix_fallocate(file.fileno(), 0, size)
        except OSError as error:
            remedy = f"expected room for {size / 1e9:.2f} GB; TMPDIR names another folder"
            raise OSError(error.errno, f"{error.strerror}: {remedy}", gettempdir()) from error
        return np.asarray(np.memmap(file, dtype, "r+", shape=(length,)))
