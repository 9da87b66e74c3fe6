"""Checked lines: rows of all files in one form, as Parquet files that every engine reads."""

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

import polars as pl

from index_builder.transactions.tables import ROW, Notice, Table

EVENT_ID = "event_id"
_OPTIONAL = {"quantity": pl.Float64, EVENT_ID: pl.String}


class CheckedLines:
    """Takes the lines of checked tables, or of their parts, and writes one file for each.

    The files hold: place (int64, ascending), user_id (string; null if nobody knows), is_guest
    (whether the user stands for many), basket_id, item_id (strings), moment (int64, microseconds
    since 1970, UTC), quantity (float64; a line without one is one piece), event_id (string; null
    where a line is no event).

    Attributes:
        files: written so far.
        rows: number of lines in them.
        with_events: whether one of them is an event.
        with_cancellations: whether one of them has a quantity of 0 or less.
    """

    def __init__(self, folder: Path, guests: Collection[str] = ()) -> None:
        folder.mkdir()
        self._folder, self._guests, self._unseen = folder, guests, set(guests)
        self.files: list[Path] = []
        self.rows = 0
        self.with_events = self.with_cancellations = False
        self._next_place = self._first_place = 0

    def begin_file(self) -> None:
        """Says that the rows to come are those of another file, which counts them from 0 again."""
        self._first_place = self._next_place

    def add(self, table: Table) -> Table:
        """Writes the rows of a table.

        Args:
            table: user_id, basket_id, item_id (strings), timestamp (Datetime) and, optionally,
                quantity (numbers) and event_id (strings).

        Returns:
            The table with its first row alone, which shows the types.
        """
        frame = table.frame if ROW in table.frame.columns else table.frame.with_row_index(ROW)
        missing = [
            pl.lit(None, kind).alias(name)
            for name, kind in _OPTIONAL.items()
            if name not in frame.columns
        ]
        event_id = pl.col(EVENT_ID)
        lines = frame.with_columns(missing).select(
            "user_id",
            "basket_id",
            "item_id",
            pl.when(event_id.str.strip_chars() != "").then(event_id).alias(EVENT_ID),
            place=pl.col(ROW).cast(pl.Int64) + self._first_place,
            is_guest=pl.col("user_id").is_in(list(self._guests)).fill_null(value=False),
            moment=pl.col("timestamp").dt.replace_time_zone(None).dt.epoch("us"),
            quantity=pl.col("quantity").cast(pl.Float64).fill_null(1.0),
        )
        if lines.height:
            self._write(lines)
        return replace(table, frame=table.frame.head(1))

    def notices(self) -> list[Notice]:
        """A notice of guests who have no line, if there are any."""
        if not self._unseen:
            return []
        text = f"{len(self._unseen):,} of {len(self._guests):,} guests have no line"
        return [Notice(text, len(self._unseen), repr(min(self._unseen)))]

    def _write(self, lines: pl.DataFrame) -> None:
        file = self._folder / f"{len(self.files):05}.parquet"
        lines.write_parquet(file, compression="lz4")
        self.files.append(file)
        self.rows += lines.height
        self._next_place = int(lines["place"].item(-1)) + 1
        self.with_events |= lines[EVENT_ID].null_count() < lines.height
        self.with_cancellations |= bool((lines["quantity"] <= 0).any())
        if self._unseen:
            self._unseen -= set(lines.filter("is_guest")["user_id"].unique())
