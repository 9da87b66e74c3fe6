"""The column `timestamp` of one file: read, or refused with what may read it instead."""

from dataclasses import replace
from datetime import MAXYEAR, MINYEAR, UTC, datetime
from itertools import islice

import polars as pl

from index_builder.transactions.errors import TimestampError
from index_builder.transactions.tables import Table
from index_builder.transactions.tables.timestamps import (
    EXAMPLES,
    TimestampFormat,
    guesses,
    naive_utc,
)
from service.support.validity import EARLIEST, latest

_SHOWN_GUESSES = 3


def require_timestamps(table: Table, form: TimestampFormat) -> None:
    """Raises ColumnTypeError if the column can hold no timestamps of this format."""
    column = table.frame["timestamp"]
    kind = column.dtype
    accepted = kind in (pl.Date, pl.Datetime, pl.String, pl.Null)
    accepted |= kind.is_numeric() and form.pattern is not None
    hint = "" if accepted else _guessed(column)
    expected = f"dates, datetimes, or ISO 8601 strings such as {EXAMPLES}{hint}"
    table.require_type("timestamp", lambda _: accepted, expected)


def with_timestamps(table: Table, form: TimestampFormat) -> Table:
    """Brings the timestamps of one file to Datetime("us"), naive UTC.

    Args:
        table: as `require_timestamps` accepts it.
        form: how they are written; its timezone is that of a file whose timestamps name none.

    Raises:
        TimestampError: one cannot be read, is before 1970 or in the future, or names no timezone
            where others of the file do.
    """
    column = table.frame["timestamp"]
    kind = column.dtype
    zoned = pl.repeat(
        isinstance(kind, pl.Datetime) and bool(kind.time_zone), len(column), eager=True
    )
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        moments = _on_calendar(column.cast(pl.Datetime("us", "UTC"), strict=False))
        moments = moments.dt.replace_time_zone(None)
    elif kind in (pl.Date, pl.Datetime):
        naive = _on_calendar(column.cast(pl.Datetime("us"), strict=False))
        moments = naive.to_frame().select(form.localised()).to_series()
    else:
        parsed = form.parse(column)
        moments, zoned = parsed["timestamp"], parsed["zoned"]
    unread = ~moments.dt.year().is_between(MINYEAR, MAXYEAR).fill_null(value=False)
    every = form.pattern is not None  # or else a hint of one that reads those that were not read
    table.refuse_where(
        unread,
        TimestampError,
        "have a timestamp that cannot be read",
        lambda values: _expected(values, form),
        column if every else column.filter(unread),
    )
    table.refuse_where(
        ~zoned,
        TimestampError,
        "have a timestamp without a timezone, the others of the file have one",
        "Write all timestamps of a file with a timezone, or none.",
        unless_all=True,
    )
    now = datetime.now(UTC)
    earliest, last = naive_utc(EARLIEST), naive_utc(latest(now))
    table.refuse_where(
        ~moments.is_between(earliest, last),
        TimestampError,
        "have a timestamp before 1970 or in the future",
        lambda values: (
            f"Expected: moments from {earliest:%Y-%m-%d} to {last:%Y-%m-%dT%H:%M:%SZ}, a day from "
            "now.\nLeave the rows out, or correct them." + (_guessed(values) if every else "")
        ),
        column if every else None,
    )
    table = table.noted_where(
        moments > naive_utc(now),
        "timestamp",
        "have a timestamp in the future"
        + ("" if zoned.all() else "; if it is local time, give --timezone"),
    )
    return replace(table, frame=table.frame.with_columns(moments.alias("timestamp")))


def _on_calendar(moments: pl.Series) -> pl.Series:
    """The moments, null where no calendar has them: polars panics when it converts these."""
    name = pl.col(moments.name)
    return moments.to_frame().select(pl.when(name.dt.year().is_not_null()).then(name)).to_series()


def _expected(values: pl.Series, form: TimestampFormat) -> str:
    """What was expected of timestamps, and what may read those that were not."""
    if form.pattern is not None:
        return f"Expected: {form.pattern}, as --timestamp-format says." + _guessed(values)
    return f"Expected: ISO 8601, such as {EXAMPLES}." + _guessed(values)


def _guessed(values: pl.Series) -> str:
    if values.dtype != pl.String and not values.dtype.is_numeric():
        return ""
    return "".join(
        f"\n--timestamp-format '{pattern}' reads the first as {moment:%Y-%m-%d %H:%M:%S}."
        for pattern, moment in islice(guesses(values), _SHOWN_GUESSES)
    )
