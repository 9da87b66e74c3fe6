"""Ids by row, and rows by id, in the memory of a mapped file.

Millions of ids as Python strings, with a dictionary of their rows, would take hundreds of megabytes
in each worker. Here the ids stand in one text of UTF-8 bytes, as Arrow has them in its files, so
that workers share its pages. A row is found by bisection.
"""

from collections.abc import Iterator, Sequence
from typing import Annotated, Self, overload

import numpy as np
import pyarrow as pa

from service.support.arrays.array_types import Int32, UInt8
from service.support.compiled.compilation import compiled, unchecked
from service.support.compiled.layout import Layout

_PIECE = 1 << 16  # ids that become strings at once


class Ids(Sequence[str]):
    """Ids by row; fastest in the order of their bytes, in which a build writes them."""

    def __init__(self, column: pa.StringArray) -> None:
        """Prepares; `column` is valid UTF-8 without nulls."""
        self.column = column
        _, offsets, text = column.buffers()
        n = len(column)
        self._offsets: Int32 = np.zeros(1, np.int32)
        if n:
            self._offsets = np.frombuffer(offsets, np.int32, n + 1, 4 * column.offset)
        self._text: UInt8 = np.frombuffer(text if text is not None else b"", np.uint8)
        self._by_id: Int32 = np.empty(0, np.int32)  # in the order of ids, if rows are in another
        self._repeated = _repeated(self._text, self._offsets, self._by_id)
        if self._repeated < 0:
            from pyarrow.compute import sort_indices

            self._by_id = sort_indices(column).to_numpy().astype(np.int32)
            self._repeated = _repeated(self._text, self._offsets, self._by_id)

    @classmethod
    def of(cls, ids: Sequence[str]) -> Self:
        """Return these ids in memory, unless they are such already."""
        return ids if isinstance(ids, cls) else cls(pa.array(ids, pa.string()))

    @property
    def repeated(self) -> int:
        """How many ids stand there before."""
        return self._repeated

    def row(self, sought: str) -> int | None:
        """Return the row of an id; None if there is none."""
        found = _row_of(_bytes(sought), self._text, self._offsets, self._by_id)
        return found if found >= 0 else None

    def beginning_with(self, part: str, most: int) -> list[int]:
        """Return the first rows, at most so many, whose ids begin with a text."""
        return self._with_part(part, at_begin=True, most=most)

    def containing(self, part: str, most: int) -> list[int]:
        """Return the first rows, at most so many, whose ids contain a text."""
        return self._with_part(part, at_begin=False, most=most)

    def _with_part(self, part: str, *, at_begin: bool, most: int) -> list[int]:
        rows = np.empty(most, np.int32)
        count = _rows_with(_bytes(part), self._text, self._offsets, at_begin, rows)
        found: list[int] = rows[:count].tolist()
        return found

    @overload
    def __getitem__(self, row: int) -> str: ...
    @overload
    def __getitem__(self, row: slice) -> list[str]: ...
    def __getitem__(self, row: int | slice) -> str | list[str]:
        """Return the id of a row, or those of several."""
        if isinstance(row, slice):
            several: list[str] = self.column[row].to_pylist()
            return several
        one: str = self.column[row].as_py()
        return one

    def __len__(self) -> int:
        return len(self.column)

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), _PIECE):
            yield from self[start : start + _PIECE]

    def __contains__(self, sought: object) -> bool:
        return isinstance(sought, str) and self.row(sought) is not None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Ids):
            return bool(self.column.equals(other.column))
        return isinstance(other, list) and self[:] == other


def _bytes(text: str) -> UInt8:
    """Return the bytes of a text; half of a surrogate pair, which no id has, is in none."""
    return np.frombuffer(text.encode("utf-8", "surrogatepass"), np.uint8)


@compiled()
def _find(sought: UInt8, text: UInt8, offsets: Int32, by_id: Int32) -> int:
    """The row of an id, or -1. `by_id` has the rows in the order of ids, or is empty."""
    low, high = 0, len(offsets) - 1
    while low < high:
        middle = (low + high) // 2
        row = by_id[middle] if len(by_id) else middle
        start, size = offsets[row], offsets[row + 1] - offsets[row]
        at, common = 0, min(size, len(sought))
        while at < common and text[start + at] == sought[at]:
            at += 1
        if at < common:
            before = text[start + at] < sought[at]
        elif size == len(sought):
            return row
        else:
            before = size < len(sought)
        if before:
            low = middle + 1
        else:
            high = middle
    return -1


@compiled()
def _repeated(text: UInt8, offsets: Int32, by_id: Int32) -> int:
    """The number of ids that equal the one before, or -1 if one is less than that."""
    count = 0
    for place in range(1, len(offsets) - 1):
        one = by_id[place - 1] if len(by_id) else place - 1
        other = by_id[place] if len(by_id) else place
        size, other_size = offsets[one + 1] - offsets[one], offsets[other + 1] - offsets[other]
        at, common = 0, min(size, other_size)
        while at < common and text[offsets[one] + at] == text[offsets[other] + at]:
            at += 1
        if at < common:
            if text[offsets[one] + at] > text[offsets[other] + at]:
                return -1
        elif size > other_size:
            return -1
        elif size == other_size:
            count += 1
    return count


@compiled()
def _rows_with(
    part: UInt8,
    text: UInt8,
    offsets: Int32,
    at_begin: bool,
    rows: Annotated[Int32, Layout(written=True)],
) -> int:
    """Writes the first rows whose ids begin with a part, or contain it; returns their number."""
    count = 0
    for row in range(len(offsets) - 1):
        if count == len(rows):
            break
        last = offsets[row + 1] - len(part)
        if at_begin:
            last = min(last, offsets[row])
        for start in range(offsets[row], last + 1):
            at = 0
            while at < len(part) and text[start + at] == part[at]:
                at += 1
            if at == len(part):
                rows[count] = row
                count += 1
                break
    return count


_row_of = unchecked(_find)
