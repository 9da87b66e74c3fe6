"""Transactions: the items of each basket, its user and its begin."""

from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.encoded.coded_baskets import CodedBaskets
from index_builder.transactions.encoding.encoded_tables import EncodedTables, read_encoded_tables
from index_builder.transactions.encoding.encoding import encode_lines
from index_builder.transactions.encoding.engines import EngineName, engine_of
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.line_files import read_lines
from index_builder.transactions.read_summary import ReadSummary
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Table
from index_builder.transactions.tables.timestamps import naive_utc
from service.support.arrays.array_types import Bool
from service.support.forgotten_users import Forgotten

_PLACE_DIGITS = 12
_EPOCH = datetime.fromisoformat("1970-01-01")
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True, eq=False)
class Transactions:
    """The items of all baskets, each item once per basket.

    Attributes:
        baskets: by the codes of users and items.
        item_ids: by code, in the order of their UTF-8 bytes.
        user_ids: likewise.
        summary: of all that was read, also after `until` or `since` took a slice of it.
        basket_ids: of each basket; None: its place among these stands for it, as a string.
    """

    baskets: CodedBaskets
    item_ids: pl.Series = field(repr=False)
    user_ids: pl.Series = field(repr=False)
    summary: ReadSummary
    basket_ids: pa.ChunkedArray | None = field(repr=False, default=None)

    @property
    def first(self) -> datetime:
        """When the first basket began, naive UTC."""
        return _EPOCH + int(self.baskets.begun_us[0]) * _MICROSECOND

    @property
    def last(self) -> datetime:
        """When the last basket began, naive UTC."""
        return _EPOCH + int(self.baskets.begun_us[-1]) * _MICROSECOND

    @property
    def lines(self) -> pl.DataFrame:
        """One row per (basket, item), sorted by begun_at, basket_id, item_id.

        user_id (null for a guest), basket_id, item_id (strings), begun_at (Datetime("us"), naive
        UTC: the earliest timestamp of the basket). Many strings: no build makes them.
        """
        baskets = self.baskets
        user = pl.Series(baskets.user_code)
        place = pl.Series(range(len(baskets)), dtype=pl.Int64).cast(pl.String)
        basket_ids = self.basket_ids
        of_baskets = pl.DataFrame(
            {
                "user_id": self.user_ids.gather(user.set(user < 0, None)),
                "basket_id": place.str.zfill(_PLACE_DIGITS)
                if basket_ids is None
                else pl.Series(pl.from_arrow(basket_ids)),
                "begun_at": pl.from_epoch(pl.Series(baskets.begun_us), "us"),
            }
        )
        basket = np.repeat(np.arange(len(baskets)), baskets.sizes)
        item_ids = self.item_ids.gather(baskets.codes).alias("item_id")
        columns = ("user_id", "basket_id", "item_id", "begun_at")
        return of_baskets[basket].with_columns(item_ids).select(columns)

    def until(self, timestamp: datetime) -> "Transactions":
        """The baskets that began before the timestamp (UTC if it names no timezone)."""
        return self._between(0, self._place_of(timestamp))

    def since(self, timestamp: datetime) -> "Transactions":
        """The baskets that began at the timestamp (UTC if it names no timezone) or later."""
        return self._between(self._place_of(timestamp), len(self.baskets))

    def where(self, kept: Bool) -> "Transactions":
        """The baskets at these places, (n_baskets,)."""
        some = None if self.basket_ids is None else self.basket_ids.filter(pa.array(kept))
        return replace(self, baskets=self.baskets.where(kept), basket_ids=some)

    def without(self, forgotten: Forgotten) -> "Transactions":
        """The baskets that count; those of a forgotten user that began before it was do not."""
        if not forgotten.moments:
            return self
        since = {
            code: moment
            for code, user_id in enumerate(self.user_ids)
            if (moment := forgotten.since(user_id)) is not None
        }
        if not since:
            return self
        moments = np.full(len(self.user_ids) + 1, np.iinfo(np.int64).min)  # the last: of guests
        moments[list(since)] = list(since.values())
        begun = self.baskets.begun_us // 1_000_000
        return self.where(begun >= moments[self.baskets.user_code])

    def _place_of(self, timestamp: datetime) -> int:
        """The first basket that began at this moment or later."""
        moment = (naive_utc(timestamp) - _EPOCH) // _MICROSECOND
        return int(np.searchsorted(self.baskets.begun_us, moment))

    def _between(self, first: int, last: int) -> "Transactions":
        ids = None if self.basket_ids is None else self.basket_ids.slice(first, last - first)
        return replace(self, baskets=self.baskets.between(first, last), basket_ids=ids)


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
    return collected(lambda lines: read_lines(path, reading, lines), str(path), reading.guests)


def collected(
    read: Callable[[CheckedLines], Table], source: str, guests: Collection[str] = ()
) -> Transactions:
    """Merges lines into baskets.

    Args:
        read: gives the lines to what it gets, and returns what is known of them, without them.
        source: what the summary calls the source.
        guests: users who stand for many.

    Raises:
        DataError: whatever `read` raises.
        SharedBasketError: a basket has more than one user.
        EmptyDataError: all lines are cancellations, or were taken back.
    """
    with TemporaryDirectory(prefix="rtt2vec-") as work:
        lines = CheckedLines(Path(work) / "lines", guests)
        return _encoded(lines, read(lines), source, Path(work))


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
    return collected(lambda lines: lines.add(table), source)


def transactions_in(
    tables: EncodedTables, basket_ids: pa.ChunkedArray | None = None
) -> Transactions:
    """The transactions of encoded tables.

    Args:
        tables: as `rtt2vec-build encode` writes them.
        basket_ids: as in `Transactions`.
    """
    return Transactions(
        tables.baskets, tables.item_ids, tables.user_ids, tables.summary, basket_ids
    )


def _encoded(lines: CheckedLines, table: Table, source: str, work: Path) -> Transactions:
    tables = work / "tables"
    tables.mkdir()
    with engine_of(EngineName.POLARS, work) as engine:
        encode_lines(lines, table, source, engine, tables, work)
    return transactions_in(read_encoded_tables(tables), _basket_ids(work))


def _basket_ids(work: Path) -> pa.ChunkedArray:
    """The ids of all baskets, in the memory of a file that is gone with them."""
    schema = pa.schema({"basket_id": pa.string()})
    with (
        pq.ParquetFile(work / "places.parquet") as places,
        pa.ipc.new_file(work / "basket_ids.arrow", schema) as mapped,
    ):
        for batch in places.iter_batches(columns=["basket_id"]):
            mapped.write_batch(batch)
    return pa.ipc.open_file(pa.memory_map(str(work / "basket_ids.arrow"))).read_all()["basket_id"]
