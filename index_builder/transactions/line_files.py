"""A shop's own files of lines, read and checked."""

from dataclasses import replace
from pathlib import Path

import polars as pl

from index_builder.transactions.doubts import note_ids
from index_builder.transactions.encoding.lines import EVENT_ID, CheckedLines
from index_builder.transactions.errors import QuantityError
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Table, read_tables
from index_builder.transactions.tables.timestamp_column import (
    require_timestamps,
    with_timestamps,
)

_IDS = ("user_id", "basket_id", "item_id")
COLUMNS = (*_IDS, "timestamp")
OPTIONAL_COLUMNS = ("quantity", EVENT_ID)


def read_lines(path: Path, reading: Reading, lines: CheckedLines) -> Table:
    """Reads and checks files one after the other; only one of them is in memory.

    Args:
        path: as in `read_transactions`.
        reading: what is known of the data.
        lines: take the rows.

    Returns:
        What is known of all files, with their first rows alone.

    Raises:
        DataError: a file cannot be used; see `index_builder.transactions.errors`.
    """

    def taken(table: Table) -> Table:
        return lines.add(_check(table, reading))

    return read_tables(path, COLUMNS, OPTIONAL_COLUMNS, taken, reading.format)


def _check(table: Table, reading: Reading) -> Table:
    """Brings one file to its final types."""
    require_timestamps(table, reading.timestamps)
    table = table.with_names(*_IDS)
    table = table.with_missing(reading.missing, *_IDS, "timestamp", "quantity")
    table = table.with_numbers("quantity", QuantityError)
    if EVENT_ID in table.frame.columns:
        table = table.with_strings(EVENT_ID)
    if reading.missing is None:
        table.refuse_empty(*_IDS)
    else:
        table = _without_incomplete_lines(table)
    return with_timestamps(note_ids(table, *_IDS), reading.timestamps)


def _without_incomplete_lines(table: Table) -> Table:
    """Leaves out lines that lack anything but the user."""
    # Some exports have a timestamp for the first line of an order alone.
    first = pl.col("timestamp").drop_nulls().first().over("basket_id")
    table = replace(table, frame=table.frame.with_columns(pl.col("timestamp").fill_null(first)))
    for column in ("basket_id", "item_id", "timestamp"):
        table = table.without(table.frame[column].is_null(), f"lines without {column}")
    return table
