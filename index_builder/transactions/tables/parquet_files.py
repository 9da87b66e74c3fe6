"""Parquet files, read a part at a time, with the columns that folders name (`day=2017-12-01/`)."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.errors import UnreadableFileError

_BUFFER_BYTES = 1 << 20  # of one column; without, all of a row group is in memory


def parquet_columns(file: Path) -> list[str]:
    """The names of the columns.

    Raises:
        UnreadableFileError: the file is none, or damaged.
    """
    try:
        return _scanned(file).collect_schema().names()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise _unreadable(file, error) from error


def parquet_parts(file: Path, columns: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    """Yields the rows, so many at a time; at least one part, which may be empty.

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
    ) as error:
        raise _unreadable(file, error) from error


def _parts(file: Path, columns: Sequence[str], rows: int) -> Iterator[pl.DataFrame]:
    of_folders = {part.partition("=")[0] for part in file.parts[:-1] if "=" in part}
    with pq.ParquetFile(file, buffer_size=_BUFFER_BYTES) as parquet:
        schema = parquet.schema_arrow
        in_file = [each for each in columns if each in schema.names and each not in of_folders]
        named = _scanned(file).select(each for each in columns if each not in in_file).head(1)
        literals = [pl.lit(each.first(), each.dtype).alias(each.name) for each in named.collect()]

        def complete(part: pa.Table | pa.RecordBatch) -> pl.DataFrame:
            frame = (
                pl.DataFrame(pl.from_arrow(part)) if in_file else pl.DataFrame(height=part.num_rows)
            )
            return frame.with_columns(literals).select(columns)

        yield complete(pa.Table.from_batches([], pa.schema(map(schema.field, in_file))))
        for groups in _some_groups(parquet.metadata, rows):
            for batch in parquet.iter_batches(rows, groups, in_file):
                yield complete(batch)


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


def _scanned(file: Path) -> pl.LazyFrame:
    return pl.scan_parquet(file, hive_partitioning=True, glob=False)


def _unreadable(file: Path, error: BaseException) -> UnreadableFileError:
    return UnreadableFileError(f"{file}: not readable as Parquet: {error}")
