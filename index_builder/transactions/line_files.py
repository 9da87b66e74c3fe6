"""A shop's own files of lines, read and checked."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from index_builder.transactions.doubts import note_ids
from index_builder.transactions.encoding.kept_lines import KeptLines
from index_builder.transactions.encoding.lines import EVENT_ID, CheckedLines
from index_builder.transactions.errors import QuantityError
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import (
    Table,
    Wanted,
    files_of,
    open_file,
    read_at_rest,
    read_parts,
    whole_table,
)
from index_builder.transactions.tables.files import TableFile
from index_builder.transactions.tables.findings import Findings, PartRefusedError
from index_builder.transactions.tables.timestamp_column import (
    require_timestamps,
    with_timestamps,
)

_IDS = ("user_id", "basket_id", "item_id")
COLUMNS = (*_IDS, "timestamp")
OPTIONAL_COLUMNS = ("quantity", EVENT_ID)


def read_lines(
    path: Path, reading: Reading, lines: CheckedLines, kept: KeptLines | None = None
) -> Table:
    """Reads and checks files one after the other; only a part of one of them is in memory.

    Args:
        path: as in `read_transactions`.
        reading: what is known of the data.
        lines: take the rows.
        kept: lines of files of a folder that need not be read again.

    Returns:
        What is known of all files, with their first rows alone.

    Raises:
        DataError: a file cannot be used; see `index_builder.transactions.errors`.
    """
    files = files_of(path)
    read = partial(read_line_file, reading=reading, lines=lines)
    if kept is None or len(files) == 1:  # errors show the lines of a single file
        return whole_table(path, [read(file) for file in files])
    names = [file.relative_to(path).as_posix() for file in files]
    tables = [kept.read(*each, lines, read) for each in zip(files, names, strict=True)]
    return whole_table(path, tables)


def read_line_file(path: Path, reading: Reading, lines: CheckedLines) -> Table:
    """Reads and checks one file, which may have no rows; otherwise as `read_lines`."""
    n_parts = len(lines.parts)

    def read(path: Path) -> Table:
        lines.forget_from(n_parts)
        return _read_line_file(path, reading, lines)

    return read_at_rest(path, read)


def _read_line_file(path: Path, reading: Reading, lines: CheckedLines) -> Table:
    file = open_file(path, Wanted(COLUMNS, OPTIONAL_COLUMNS, reading.format))
    moments = None if reading.missing is None else _moments(file, reading)

    def check(table: Table) -> Table:
        """Brings lines to their final types."""
        table = _with_ids(table, reading)
        if reading.missing is None:
            table.refuse_empty(*_IDS)
        else:
            table = _without_incomplete_lines(table, moments)
        table = _noting_moved_events(note_ids(table, *_IDS), reading.timestamps.zone)
        return with_timestamps(table, reading.timestamps)

    lines.begin_file()
    return read_parts(file, reading.part_rows, check, lines.add)


def _with_ids(table: Table, reading: Reading) -> Table:
    """Brings all columns but the timestamp to their final types."""
    require_timestamps(table, reading.timestamps)
    table = table.with_names(*_IDS)
    table = table.with_missing(reading.missing, *_IDS, "timestamp", "quantity")
    table = table.with_numbers("quantity", QuantityError)
    return table.with_strings(EVENT_ID) if EVENT_ID in table.frame.columns else table


def _noting_moved_events(table: Table, zone: str) -> Table:
    """Notes events that are read as local time; the service's are in UTC, and may not name it."""
    if EVENT_ID not in table.frame.columns or zone == "UTC":
        return table
    kind = table.frame["timestamp"].dtype
    is_naive = isinstance(kind, pl.Datetime) and kind.time_zone is None
    is_event = (table.frame[EVENT_ID].str.strip_chars() != "").fill_null(value=False)
    return table.noted_where(
        is_event & is_naive,
        "timestamp",
        "are events without a timezone, read as local time; those of the service are in UTC, see "
        "docs/operations.md",
    )


def _moments(file: TableFile, reading: Reading) -> pl.DataFrame | None:
    """Of each basket with a line that has no timestamp, the first one that it has.

    Some exports have a timestamp for the first line of an order alone.

    Returns:
        basket_id and timestamp; None if no line lacks one.
    """

    def parts() -> Iterator[pl.DataFrame]:
        for part in file.parts(reading.part_rows):
            with suppress(PartRefusedError):  # it is refused for good when the lines are read
                yield _with_ids(replace(part, findings=Findings()), reading).frame

    lacks = pl.col("timestamp").is_null()
    without = [part.filter(lacks)["basket_id"].unique() for part in parts()]
    if not any(map(len, without)):
        return None
    baskets = pl.concat(without).unique().implode()
    there = pl.col("basket_id").is_in(baskets) & ~lacks
    columns = ("basket_id", "timestamp")
    moments = [
        part.filter(there).select(columns).unique("basket_id", keep="first", maintain_order=True)
        for part in parts()
    ]
    return pl.concat(moments).unique("basket_id", keep="first", maintain_order=True)


def _without_incomplete_lines(table: Table, moments: pl.DataFrame | None) -> Table:
    """Leaves out lines that lack anything but the user."""
    if moments is not None:
        found = table.frame.join(moments, on="basket_id", how="left", maintain_order="left")
        filled = pl.coalesce("timestamp", "timestamp_right").alias("timestamp")
        table = replace(table, frame=found.with_columns(filled).drop("timestamp_right"))
    for column in ("basket_id", "item_id", "timestamp"):
        table = table.without(table.frame[column].is_null(), f"lines without {column}")
    return table
