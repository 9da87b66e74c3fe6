"""Transactions: the items of each basket, its user and its begin."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl

from index_builder.transactions.cancellations import take_back
from index_builder.transactions.doubts import crowds, note_ids
from index_builder.transactions.errors import (
    EmptyDataError,
    QuantityError,
    SharedBasketError,
)
from index_builder.transactions.events import EVENT_ID, usable_events
from index_builder.transactions.read_summary import ReadSummary
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import ROW, Notice, Table, read_tables
from index_builder.transactions.tables.timestamp_column import (
    require_timestamps,
    with_timestamps,
)
from index_builder.transactions.tables.timestamps import naive_utc
from service.support.forgotten_users import Forgotten

_IDS = ("user_id", "basket_id", "item_id")
COLUMNS = (*_IDS, "timestamp")
OPTIONAL_COLUMNS = ("quantity", EVENT_ID)


@dataclass(frozen=True, eq=False)
class Transactions:
    """The items of all baskets, each item once per basket.

    Attributes:
        lines: one row per (basket, item), sorted by begun_at, basket_id, item_id:
            user_id (null for a guest), basket_id, item_id (strings), begun_at (Datetime("us"),
            naive UTC: the earliest timestamp of the basket), quantity (Float64, above 0, summed
            over merged rows).
        summary: of all that was read, also after `until` or `since` took a slice of it.
    """

    lines: pl.DataFrame = field(repr=False)
    summary: ReadSummary

    def until(self, timestamp: datetime) -> "Transactions":
        """The baskets that began before the timestamp (UTC if it names no timezone)."""
        return replace(self, lines=self.lines.filter(pl.col("begun_at") < naive_utc(timestamp)))

    def since(self, timestamp: datetime) -> "Transactions":
        """The baskets that began at the timestamp (UTC if it names no timezone) or later."""
        return replace(self, lines=self.lines.filter(pl.col("begun_at") >= naive_utc(timestamp)))

    def without(self, forgotten: Forgotten) -> "Transactions":
        """The baskets that count; those of a forgotten user that began before it was do not."""
        users = self.lines["user_id"].drop_nulls().unique().to_list()
        since = {user: moment for user in users if (moment := forgotten.since(user)) is not None}
        own = pl.col("user_id").replace_strict(since, default=None, return_dtype=pl.Int64)
        counts = own.is_null() | (pl.col("begun_at").dt.epoch("s") >= own)
        return replace(self, lines=self.lines.filter(counts)) if since else self


def read_transactions(path: Path, reading: Reading | None = None) -> Transactions:
    """Reads and validates a shop's transactions.

    Args:
        path: a Parquet or CSV file, or a folder of them, with the columns user_id, basket_id,
            item_id, timestamp and, optionally, quantity and event_id (see `usable_events`). Other
            columns, such as price, are not read; the summary lists them.
        reading: what is known of the data.

    Raises:
        DataError: the file cannot be used; see `index_builder.transactions.errors`.
    """
    reading = reading or Reading()
    check = partial(_check, reading=reading)
    table = usable_events(read_tables(path, COLUMNS, OPTIONAL_COLUMNS, check, reading.format))
    return transactions_of(_with_guests(table, reading.guests), str(path))


def transactions_of(table: Table, source: str) -> Transactions:
    """Merges rows into baskets.

    Args:
        table: user_id, basket_id, item_id (strings), timestamp (Datetime) and, optionally,
            quantity, one row per purchase or cancellation. A guest's user_id is null.
        source: what the summary calls the source.

    Raises:
        SharedBasketError: a basket has more than one user.
        EmptyDataError: all rows are cancellations, or were taken back.
    """
    quantity = pl.col("quantity").fill_null(1.0) if "quantity" in table.frame.columns else 1.0
    bought, taken_back = take_back(
        table.frame.with_columns(
            pl.col("timestamp").dt.replace_time_zone(None).cast(pl.Datetime("us")),
            quantity=quantity,
        )
    )
    if bought.is_empty():
        raise EmptyDataError(f"{source}: expected purchases, found cancellations alone.")
    baskets = bought.group_by("basket_id").agg(
        owner=pl.col("user_id").drop_nulls().first(),
        begun_at=pl.col("timestamp").min(),
        ended_at=pl.col("timestamp").max(),
    )
    rows = bought.join(baskets, on="basket_id")
    _refuse_shared_baskets(replace(table, frame=rows), baskets.height)
    rows = rows.with_columns(user_id="owner")
    lines = _merged(rows.sort("begun_at", "basket_id", "item_id"))
    dropped = {
        **table.left_out,
        **taken_back,
        "duplicate lines, merged": rows.height - lines.height,
    }
    span = pl.col("ended_at") - pl.col("begun_at")
    summary = ReadSummary(
        source=source,
        rows_read=lines.height + sum(dropped.values()),
        rows_kept=lines.height,
        dropped={reason: count for reason, count in dropped.items() if count},
        users=baskets["owner"].drop_nulls().n_unique(),
        baskets=baskets.height,
        items=lines["item_id"].n_unique(),
        first=lines["begun_at"].item(0),
        last=lines["begun_at"].item(-1),
        guest_baskets=baskets["owner"].null_count(),
        long_baskets=baskets.filter(span > timedelta(days=1)).height,
        unused_columns=table.unused,
        notices=(*table.notices, *crowds(baskets["owner"])),
    )
    return Transactions(lines, summary)


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


def _with_guests(table: Table, guests: Collection[str]) -> Table:
    """Takes the lines of guests from their user; notes guests who have none."""
    if not guests:
        return table
    unseen = sorted(set(guests) - set(table.frame["user_id"].unique()))
    if unseen:
        text = f"{len(unseen):,} of {len(guests):,} guests have no line"
        notice = Notice(text, len(unseen), repr(unseen[0]))
        table = replace(table, notices=(*table.notices, notice))
    known = pl.when(~pl.col("user_id").is_in(list(guests))).then("user_id")
    return replace(table, frame=table.frame.with_columns(known.alias("user_id")))


def _merged(rows: pl.DataFrame) -> pl.DataFrame:
    """Makes one row of each (basket, item); equal pairs are adjacent, since rows are sorted."""
    columns = ("user_id", "basket_id", "item_id", "begun_at")
    pair = rows.select(pl.struct("basket_id", "item_id").rle_id()).to_series()
    if pair[-1] + 1 == rows.height:
        return rows.select(*columns, "quantity")
    return (
        rows.group_by(pair.alias("pair"), maintain_order=True)
        .agg(pl.col(columns).first(), pl.col("quantity").sum())
        .drop("pair")
    )


def _refuse_shared_baskets(table: Table, n_baskets: int) -> None:
    foreign = table.frame.filter(pl.col("user_id") != pl.col("owner"))
    if foreign.is_empty():
        return
    shared = foreign["basket_id"].unique()
    columns = [name for name in (ROW, *COLUMNS) if name in table.frame.columns]
    rows = (
        table.frame.filter(pl.col("basket_id").is_in(shared.implode()))
        .select(columns)
        .sort(ROW if ROW in columns else "basket_id", maintain_order=True)
        .unique(["basket_id", "user_id"], keep="first", maintain_order=True)
    )
    table.refuse(
        rows,
        SharedBasketError,
        f"{shared.len():,} of {n_baskets:,} values of basket_id belong to more than one user",
        "Where users number their own baskets, put the user_id in front of the basket_id.",
    )
