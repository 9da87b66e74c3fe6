"""Digests of the values of columns, whatever files and batches they come in."""

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc


class Digests:
    """SHA-256 of every column that was added, by "table.column".

    Of integers, it is that of their little-endian bytes. Of strings and lists, it is that of two
    digests: of all their bytes or values one behind the other, and of their lengths (int32).
    """

    def __init__(self) -> None:
        self._parts: dict[str, tuple[Any, Any]] = {}

    def add(self, name: str, table: pa.Table) -> None:
        """Adds rows to a table's columns."""
        for column in table.column_names:
            key = f"{name}.{column}"
            values, lengths = self._parts.setdefault(key, (hashlib.sha256(), hashlib.sha256()))
            for chunk in table.column(column).chunks:
                parts = list(_bytes(chunk))
                values.update(parts[0])
                for part in parts[1:]:
                    lengths.update(part)

    def hexadecimal(self) -> dict[str, str]:
        """The digest of every column."""
        return {
            key: hashlib.sha256(values.digest() + lengths.digest()).hexdigest()
            for key, (values, lengths) in self._parts.items()
        }


def _bytes(array: pa.Array) -> Iterator[Any]:
    """Yields the values of an array without nulls and, of strings and lists, their lengths."""
    if pa.types.is_list(array.type):
        yield from _bytes(array.flatten())
        yield _little_endian(pc.list_value_length(array))
    elif pa.types.is_string(array.type):
        start, stop = _offsets(array)
        yield array.buffers()[2][start:stop] if len(array) else b""
        yield _little_endian(pc.binary_length(array))
    else:
        yield _little_endian(array)


def _offsets(array: pa.Array) -> tuple[int, int]:
    offsets = np.frombuffer(array.buffers()[1], np.int32) if len(array) else np.zeros(1, np.int32)
    return int(offsets[array.offset]), int(offsets[array.offset + len(array)])


def _little_endian(numbers: pa.Array) -> bytes:
    # Not to_numpy() of Arrow, which imports pandas.
    values = pl.Series(pl.from_arrow(numbers)).to_numpy()
    return values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
