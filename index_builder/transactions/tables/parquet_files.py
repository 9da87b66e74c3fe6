"""Parquet files, read a part at a time, with the columns that folders name (`day=2017-12-01/`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.errors import UnreadableFileError

_BUFFER_BYTES = 1 << 20  # of one column; without, all of a row group is in memory
_NULL = "__HIVE_DEFAULT_PARTITION__"


def parquet_columns(file: Path) -> list[str]:
    """The names of the columns, those that folders name behind those of the file.

    Raises:
        UnreadableFileError: the file is none, or damaged.
    """
    try:
        with pq.ParquetFile(file) as parquet:
            names = parquet.schema_arrow.names
    except (pa.ArrowException, OSError, UnicodeError) as error:
        raise _unreadable(file, error) from error
    return [*names, *(name for name in _of_folders(file) if name not in names)]


def parquet_parts(file: Path, columns: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    """Yields the rows, so many at a time; at least one part, which may be empty.

    Columns that folders name are strings, and null for what Hive calls its default partition.

    Raises:
        UnreadableFileError: as for `parquet_columns`.
    """
    try:
        yield from _parts(file, columns, rows)
    except (
        pl.exceptions.PolarsError,
        pl.exceptions.PanicException,
        pa.ArrowException,
        OSError,
        UnicodeError,
    ) as error:
        raise _unreadable(file, error) from error


def _parts(file: Path, columns: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    of_folders = _of_folders(file)
    literals = [
        pl.lit(value, pl.String).alias(name)
        for name, value in of_folders.items()
        if name in columns
    ]
    in_file = [name for name in columns if name not in of_folders]
    with pq.ParquetFile(file, buffer_size=_BUFFER_BYTES) as parquet:
        schema = parquet.schema_arrow

        def complete(part: pa.Table | pa.RecordBatch) -> pl.DataFrame:
            plain = {name: _plain(name, part.column(name)) for name in in_file}
            frame = pl.DataFrame(plain) if in_file else pl.DataFrame(height=part.num_rows)
            return frame.with_columns(literals).select(columns)

        yield complete(pa.Table.from_batches([], pa.schema(map(schema.field, in_file))))
        for groups in _some_groups(parquet.metadata, rows):
            for batch in parquet.iter_batches(rows, groups, in_file):
                yield complete(batch)


def _of_folders(file: Path) -> dict[str, str | None]:
    """The columns that folders name, as Hive and Spark write them; 007 stays 007."""
    pairs = (part.partition("=") for part in file.parts[:-1] if "=" in part)
    return {unquote(name): None if value == _NULL else unquote(value) for name, _, value in pairs}


def _plain(name: str, column: pa.Array | pa.ChunkedArray) -> pl.Series:
    """The same values without a dictionary, and moments of any timezone in UTC.

    Raises:
        pa.ArrowInvalid: a string is not UTF-8.
    """
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        kind = pa.timestamp(kind.unit, "UTC")
    plain = column if column.type == kind else column.cast(kind)
    try:
        plain.validate(full=True)
    except pa.ArrowInvalid as error:
        raise pa.ArrowInvalid(f"column {name!r}: {error}") from error
    return pl.Series(pl.from_arrow(plain))


def _some_groups(metadata: pq.FileMetaData, rows: int) -> Iterator[list[int]]:
    """Yields row groups, as many together as have so many rows.

    A reader keeps the bytes of all groups that it has read until it ends.
    """
    groups: list[int] = []
    found = 0
    for group in range(metadata.num_row_groups):
        groups.append(group)
        found += metadata.row_group(group).num_rows
        if found >= rows:
            yield groups
            groups, found = [], 0
    if groups:
        yield groups


def _unreadable(file: Path, error: BaseException) -> UnreadableFileError:
    return UnreadableFileError(f"{file}: not readable as Parquet: {error}")
