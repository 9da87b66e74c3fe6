"""Transactions: the items of each basket, its user and its begin."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from index_builder.transactions.encoding.encoded_tables import EncodedTables, read_encoded_tables
from index_builder.transactions.encoding.encoding import encode_lines
from index_builder.transactions.encoding.engines import EngineName, engine_of
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.line_files import read_lines
from index_builder.transactions.read_summary import ReadSummary
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Table
from index_builder.transactions.tables.timestamps import naive_utc
from service.support.forgotten_users import Forgotten

_PLACE_DIGITS = 12


@dataclass(frozen=True, eq=False)
class Transactions:
    """The items of all baskets, each item once per basket.

    Attributes:
        lines: one row per (basket, item), sorted by begun_at, basket_id, item_id:
            user_id (null for a guest), basket_id, item_id (strings), begun_at (Datetime("us"),
            naive UTC: the earliest timestamp of the basket).
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
            item_id, timestamp and, optionally, quantity and event_id. Other columns, such as
            price, are not read; the summary lists them.
        reading: what is known of the data.

    Raises:
        DataError: the file cannot be used; see `index_builder.transactions.errors`.
    """
    reading = reading or Reading()
    with TemporaryDirectory(prefix="rtt2vec-") as work:
        lines = CheckedLines(Path(work) / "lines", reading.guests)
        table = read_lines(path, reading, lines)
        return _encoded(lines, table, str(path), Path(work))


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
    with TemporaryDirectory(prefix="rtt2vec-") as work:
        lines = CheckedLines(Path(work) / "lines")
        return _encoded(lines, lines.add(table), source, Path(work))


def transactions_in(tables: EncodedTables, basket_ids: pl.Series | None = None) -> Transactions:
    """The transactions of encoded tables.

    Args:
        tables: as `rtt2vec-build encode` writes them.
        basket_ids: of each basket; None: its place in time, as a string, stands for it.
    """
    known = pl.col("user_code") >= 0
    place = pl.col("place").cast(pl.String).str.zfill(_PLACE_DIGITS)
    lines = tables.baskets.select(
        pl.when(known).then("user_code").alias("user_code"),
        (place if basket_ids is None else basket_ids).alias("basket_id"),
        "items",
        begun_at=pl.from_epoch("begun_us", "us"),
    ).explode("items")
    of_lines = lines.select(
        user_id=tables.user_ids.gather(lines["user_code"]),
        basket_id="basket_id",
        item_id=tables.item_ids.gather(lines["items"]),
        begun_at="begun_at",
    )
    return Transactions(of_lines, tables.summary)


def _encoded(lines: CheckedLines, table: Table, source: str, work: Path) -> Transactions:
    tables = work / "tables"
    tables.mkdir()
    with engine_of(EngineName.POLARS, work) as engine:
        encode_lines(lines, table, source, engine, tables, work)
    basket_ids = pl.read_parquet(work / "places.parquet", columns=["basket_id"]).to_series()
    return transactions_in(read_encoded_tables(tables), basket_ids)
