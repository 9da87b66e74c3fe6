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
    """Brings the timestamps of one file to Datetime("us"): naive, or in UTC.

    Args:
        table: as `require_timestamps` accepts it.
        form: how they are written.

    Raises:
        TimestampError: one cannot be read, is before 1970 or in the future, or names no timezone
            where others do.
    """
    column = table.frame["timestamp"]
    kind = column.dtype
    if isinstance(kind, pl.Datetime) and kind.time_zone:
        times = column.dt.cast_time_unit("us").dt.convert_time_zone("UTC")
    elif kind in (pl.Date, pl.Datetime):
        naive = column.cast(pl.Datetime("us")).alias("timestamp")
        times = pl.select(naive).select(form.localised()).to_series()
    else:
        times = _parse(table, form)
    unread = ~times.dt.year().is_between(MINYEAR, MAXYEAR).fill_null(value=False)
    table.refuse_where(
        unread,
        TimestampError,
        "have a timestamp that cannot be read",
        lambda: _expected(column, unread, form),
    )
    moments = times.dt.replace_time_zone(None)
    now = datetime.now(UTC)
    earliest, last = naive_utc(EARLIEST), naive_utc(latest(now))
    table.refuse_where(
        ~moments.is_between(earliest, last),
        TimestampError,
        "have a timestamp before 1970 or in the future",
        lambda: (
            f"Expected: moments from {earliest:%Y-%m-%d} to {last:%Y-%m-%dT%H:%M:%SZ}, a day from "
            "now.\nLeave the rows out, or correct them."
            + (_guessed(column) if form.pattern is not None else "")
        ),
    )
    table = table.noted_where(
        moments > naive_utc(now),
        "timestamp",
        "have a timestamp in the future; if it is local time, give --timezone",
    )
    return replace(table, frame=table.frame.with_columns(times.alias("timestamp")))


def _parse(table: Table, form: TimestampFormat) -> pl.Series:
    parsed = form.parse(table.frame["timestamp"])
    times, zoned = parsed["timestamp"], parsed["zoned"]
    if times.null_count():
        return times
    if zoned.any() and not zoned.all():
        table.refuse_where(
            ~zoned,
            TimestampError,
            "have a timestamp without a timezone, the others have one",
            "Write all timestamps with a timezone, or none.",
        )
    return times.dt.replace_time_zone("UTC") if zoned.any() else times


def _expected(column: pl.Series, unread: pl.Series, form: TimestampFormat) -> str:
    """What was expected of timestamps, and what may read those that were not."""
    if form.pattern is not None:
        return f"Expected: {form.pattern}, as --timestamp-format says." + _guessed(column)
    return f"Expected: ISO 8601, such as {EXAMPLES}." + _guessed(column.filter(unread))


def _guessed(values: pl.Series) -> str:
    if values.dtype != pl.String and not values.dtype.is_numeric():
        return ""
    return "".join(
        f"\n--timestamp-format '{pattern}' reads the first as {moment:%Y-%m-%d %H:%M:%S}."
        for pattern, moment in islice(guesses(values), _SHOWN_GUESSES)
    )
