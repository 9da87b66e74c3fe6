"""A file of metrics that has room for all that is written to it.

The library maps its files into memory, and makes them larger without asking for room. On a full
disk the system then ends the process that writes to them.
"""

import logging
from collections.abc import Sequence
from mmap import mmap
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

from service.support.files import append_zeros

_logger = logging.getLogger(__name__)

FILE_BYTES = 1 << 17
"""Bytes of a new file: enough for the labels of one service."""

_AT_MOST_BYTES = 4 + 8 + 16  # of an entry, beside its key: length, padding, value and time


class MetricFile(MmapedDict):
    """The library's file, but with room for all that it has.

    What a full disk has no room for is left out, and reads as 0. It is tried again with each value.
    """

    def __init__(self, path: str) -> None:
        """Opens a file, which is made if it is missing.

        Raises:
            OSError: it cannot be opened, or there is no room for it.
        """
        with Path(path).open("ab", buffering=0) as file:
            if not file.tell():
                append_zeros(file.fileno(), FILE_BYTES)
        self._has_told = False
        super().__init__(path)

    def read_value(self, key: str) -> tuple[float, float]:
        """Return the value of a key, and when it was written."""
        has_room = self._has_room((key,))
        found: tuple[float, float] = super().read_value(key) if has_room else (0.0, 0.0)
        return found

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Write the value of a key, if there is room for it."""
        if self._has_room((key,)):
            super().write_value(key, value, timestamp)

    def cells(self, keys: Sequence[str]) -> "tuple[memoryview[float], Sequence[int]] | None":
        """Return where the values of keys are: the file's numbers, and which of them.

        None if there is no room for all of them.
        """
        if not self._has_room(keys):
            return None
        for key in keys:
            super().read_value(key)  # makes an entry for it
        return memoryview(self._m).cast("d"), [self._positions[key] // 8 for key in keys]

    def _has_room(self, keys: Sequence[str]) -> bool:
        """Whether entries for keys fit, now or after the file has grown."""
        new = (key for key in keys if key not in self._positions)
        end = self._used + sum(len(key.encode()) + _AT_MOST_BYTES for key in new)
        return end <= self._capacity or self._grow(end)

    def _grow(self, end: int) -> bool:
        """Make room for bytes up to an end, as the library would; return whether there is."""
        capacity = self._capacity
        while capacity < end:
            capacity *= 2
        try:
            append_zeros(self._f.fileno(), capacity - self._capacity)
            self._m = mmap(self._f.fileno(), capacity)
        except OSError as error:
            if not self._has_told:
                _logger.error("not all metrics fit into %s: %s", self._fname, error)
            self._has_told = True
            return False
        self._capacity = capacity
        self._has_told = False
        return True
