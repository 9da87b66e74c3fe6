"""Numbers that a supervisor and all its workers see, and change, in memory that they share."""

import os
from array import array
from collections.abc import Sequence
from mmap import mmap
from multiprocessing.reduction import DupFd
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from service.support.files import append_zeros


class SharedCounts:
    """Whole numbers in a file without a name; a process that is started with them sees the same.

    Attributes:
        numbers: to read and to write.
    """

    def __init__(self, directory: Path, numbers: Sequence[int]) -> None:
        """Takes a directory with room for the file, and what the numbers are at first.

        Raises:
            OSError: the file cannot be made.
        """
        with TemporaryFile(dir=directory, buffering=0) as file:
            append_zeros(file.fileno(), len(numbers) * array("i").itemsize)
            self._map(os.dup(file.fileno()))
        for place, number in enumerate(numbers):
            self.numbers[place] = number

    def _map(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.numbers: memoryview[int] = memoryview(mmap(descriptor, 0)).cast("i")

    def __getstate__(self) -> Any:
        """Return what tells a new process of the file; its parent sends it along."""
        return DupFd(self._descriptor)

    def __setstate__(self, sent: Any) -> None:
        """Map the file in a new process."""
        self._map(sent.detach())
