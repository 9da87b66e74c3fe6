"""Checked lines: rows of all files in one form, as Parquet files that every engine reads."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from index_builder.transactions.tables import ROW, Notice, Table

EVENT_ID = "event_id"
_OPTIONAL = {"quantity": pl.Float64, EVENT_ID: pl.String}


@dataclass(frozen=True)
class LinePart:
    """One of the files, and what is in it.

    Attributes:
        file: its name.
        first_place: of the shop's file whose lines these are.
        last_place: of these lines.
        rows: number of lines.
        latest: moment of the last one in time.
        with_events: whether one of them is an event.
        with_cancellations: whether one of them has a quantity of 0 or less.
        guests: those who have a line.
    """

    file: str
    first_place: int
    last_place: int
    rows: int
    latest: int
    with_events: bool
    with_cancellations: bool
    guests: tuple[str, ...]


class CheckedLines:
    """Takes the lines of checked tables, or of their parts, and writes one file for each.

    The files hold: place (int64, ascending), user_id (string; null if nobody knows), is_guest
    (whether the user stands for many), basket_id, item_id (strings), moment (int64, microseconds
    since 1970, UTC), quantity (float64; a line without one is one piece), event_id (string; null
    where a line is no event).

    Attributes:
        folder: of the files.
        parts: written so far, one a file.
    """

    def __init__(self, folder: Path, guests: Collection[str] = ()) -> None:
        folder.mkdir()
        self.folder, self._guests = folder, guests
        self.parts: list[LinePart] = []
        self._first_place = 0

    @property
    def files(self) -> list[Path]:
        """Written so far."""
        return [self.folder / part.file for part in self.parts]

    @property
    def rows(self) -> int:
        """Number of lines in them."""
        return sum(part.rows for part in self.parts)

    @property
    def with_events(self) -> bool:
        """Whether one of them is an event."""
        return any(part.with_events for part in self.parts)

    @property
    def with_cancellations(self) -> bool:
        """Whether one of them has a quantity of 0 or less."""
        return any(part.with_cancellations for part in self.parts)

    def begin_file(self) -> None:
        """Says that the rows to come are those of another file, which counts them from 0 again."""
        self._first_place = self.parts[-1].last_place + 1 if self.parts else 0

    def forget_from(self, number: int) -> None:
        """Removes the files from this one on, since their rows are read again."""
        for file in self.files[number:]:
            file.unlink()
        del self.parts[number:]

    def add(self, table: Table) -> Table:
        """Writes the rows of a table.

        Args:
            table: user_id, basket_id, item_id (strings), timestamp (Datetime, naive UTC) and,
                optionally, quantity (numbers) and event_id (strings).

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
            moment=pl.col("timestamp").dt.epoch("us"),
            quantity=pl.col("quantity").cast(pl.Float64).fill_null(1.0),
        )
        if lines.height:
            self._write(lines)
        return replace(table, frame=table.frame.head(1))

    def take(self, folder: Path, part: LinePart) -> None:
        """Takes a file that was written before, by lines of the same guests, out of its folder."""
        file, moved = self._next_file(), self._first_place - part.first_place
        if moved:
            lines = pl.read_parquet(folder / part.file, glob=False)
            _write(lines.with_columns(pl.col("place") + moved), file)
        else:
            (folder / part.file).rename(file)
        self.parts.append(
            replace(
                part,
                file=file.name,
                first_place=self._first_place,
                last_place=part.last_place + moved,
            )
        )

    def notices(self) -> list[Notice]:
        """A notice of guests who have no line, if there are any."""
        unseen = set(self._guests).difference(*(part.guests for part in self.parts))
        if not unseen:
            return []
        text = f"{len(unseen):,} of {len(self._guests):,} guests have no line"
        return [Notice(text, len(unseen), repr(min(unseen)))]

    def _write(self, lines: pl.DataFrame) -> None:
        file = self._next_file()
        _write(lines, file)
        guests = lines.filter("is_guest")["user_id"].unique().sort()
        self.parts.append(
            LinePart(
                file=file.name,
                first_place=self._first_place,
                last_place=int(lines["place"].item(-1)),
                rows=lines.height,
                latest=int(lines.select(pl.col("moment").max()).item()),
                with_events=lines[EVENT_ID].null_count() < lines.height,
                with_cancellations=bool((lines["quantity"] <= 0).any()),
                guests=tuple(guests),
            )
        )

    def _next_file(self) -> Path:
        return self.folder / f"{len(self.parts):05}.parquet"


def _write(lines: pl.DataFrame, file: Path) -> None:
    try:
        lines.write_parquet(file, compression="lz4")
    except pl.exceptions.ComputeError as error:  # as polars says that a disk is full
        raise OSError(f"{file}: cannot be written: {error}") from error
