"""A table: the wanted columns of files, with errors and notices that show their rows."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

import polars as pl

from index_builder.transactions.errors import (
    BadRowsError,
    ColumnTypeError,
    EmptyIdError,
    LongIdError,
)
from index_builder.transactions.tables.csv_layout import CsvLayout
from index_builder.transactions.tables.csv_records import lines_of
from service.support.invalid_fields import shortened
from service.support.validity import ID_CHARS, LARGEST_NUMBER, SPACES

ROW = "_row"  # position of a row in its file, counted from 0
SHOWN_ROWS = 5
_NOTED_ROWS = 3
_EXACT = 2**53  # up to which a double tells integers apart


@dataclass(frozen=True)
class Notice:
    """Rows that were read, but may not mean what they seem to mean.

    Attributes:
        text: what was found, and what can be done.
        count: number of rows.
        first: places and values of the first of them.
    """

    text: str
    count: int
    first: str


@dataclass(frozen=True)
class Table:
    """The wanted columns of a file, or of all files of a folder.

    Attributes:
        path: the file, or the folder when the rows come from several files.
        frame: the wanted columns; `_row` beside them for a single file.
        unused: names of the other columns of the file.
        left_out: number of rows that were left out, by reason.
        notices: of what is doubtful.
        layout: of a CSV file; None for other files.
    """

    path: Path
    frame: pl.DataFrame
    unused: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    layout: CsvLayout | None = None

    def require_type(
        self, column: str, accepts: Callable[[pl.DataType], bool], expected: str
    ) -> None:
        """Raises ColumnTypeError if the type of the column is not accepted."""
        kind = self.frame.schema[column]
        if not accepts(kind):
            raise ColumnTypeError(
                f"{self.path}: column {column!r} holds {kind}.\nExpected: {expected}."
            )

    def with_strings(self, *columns: str) -> "Table":
        """Turns columns of strings or integers into strings.

        Integers with gaps, which pandas writes as fractions, are integers.

        Raises:
            ColumnTypeError: a column is of another type; a fraction can be written in many ways.
        """
        whole = [name for name in columns if _is_whole(self.frame[name])]
        frame = self.frame.with_columns(pl.col(whole).fill_nan(None).cast(pl.Int64))
        table = replace(self, frame=frame)
        for column in columns:
            table.require_type(column, _has_one_spelling, "strings or integers")
        return replace(table, frame=frame.with_columns(pl.col(columns).cast(pl.String)))

    def with_ids(self, *columns: str) -> "Table":
        """Turns id columns into strings, without the spaces around them.

        Raises:
            ColumnTypeError: a column holds neither strings nor integers.
            EmptyIdError: an id is null or blank.
            LongIdError: an id is too long for a request.
        """
        table = self.with_names(*columns)
        table.refuse_empty(*columns)
        return table

    def refuse_empty(self, *columns: str) -> None:
        """Raises EmptyIdError if an id is null or blank, in columns as `with_names` makes them."""
        for column in columns:
            ids = self.frame[column]
            self.refuse_where(
                ids.is_null() | (ids == ""),
                EmptyIdError,
                f"have no {column}",
                "Give every row its id, or leave the rows out (--missing '').",
            )

    def with_names(self, *columns: str) -> "Table":
        """Turns columns that a request may name into strings, without the spaces around them.

        Raises:
            ColumnTypeError: a column holds neither strings nor integers.
            LongIdError: a name is too long for a request.
        """
        table = self.with_strings(*columns)
        tidy = table.frame.with_columns(pl.col(columns).str.strip_chars(SPACES))
        for column in columns:
            table = table.noted_where(
                (table.frame[column] != tidy[column]).fill_null(value=False),
                column,
                f"have spaces around the {column}, which were removed",
            )
        table = replace(table, frame=tidy)
        for column in columns:
            table.refuse_where(
                (tidy[column].str.len_chars() > ID_CHARS).fill_null(value=False),
                LongIdError,
                f"have more than {ID_CHARS} characters in {column}",
                "Shorten it: requests cannot name it.",
            )
        return table

    def with_missing(self, words: Collection[str] | None, *columns: str) -> "Table":
        """Makes strings null that are empty, or one of these words; with None, none.

        Columns that are not there, or of another type, stay as they are.
        """
        texts = [name for name in columns if self.frame.schema.get(name) == pl.String]
        if words is None or not texts:
            return self
        text = pl.col(texts)
        nothing = text.str.strip_chars(SPACES).is_in(["", *words])
        return replace(self, frame=self.frame.with_columns(pl.when(~nothing).then(text)))

    def with_numbers(self, column: str, error: type[BadRowsError]) -> "Table":
        """Turns an optional column, which may have nulls, into Float64.

        Raises:
            ColumnTypeError: the column holds neither numbers nor strings.
            BadRowsError: as `error`, if a string is no number or a number is not finite or too
                large.
        """
        if column not in self.frame.columns:
            return self
        self.require_type(
            column, lambda kind: kind.is_numeric() or kind in (pl.String, pl.Null), "numbers"
        )
        values = self.frame[column]
        texts = values.str.strip_chars(SPACES) if values.dtype == pl.String else values
        numbers = texts.cast(pl.Float64, strict=False)
        self.refuse_where(
            (numbers.is_null() & values.is_not_null()) | ~numbers.is_finite().fill_null(value=True),
            error,
            f"have a {column} that is no number",
            f"Write decimals with a point, and leave the {column} empty where it is unknown.",
        )
        self.refuse_where(
            (numbers.abs() > LARGEST_NUMBER).fill_null(value=False),
            error,
            f"have a {column} beyond {LARGEST_NUMBER:.0e}",
            f"Leave the {column} empty where it is unknown.",
        )
        return replace(self, frame=self.frame.with_columns(numbers.alias(column)))

    def without(self, wrong: pl.Series, reason: str) -> "Table":
        """Leaves out rows, and counts them under this reason."""
        if not wrong.any():
            return self
        left_out = {**self.left_out, reason: self.left_out.get(reason, 0) + int(wrong.sum())}
        return replace(self, frame=self.frame.filter(~wrong), left_out=left_out)

    def noted_where(self, doubtful: pl.Series, column: str, problem: str) -> "Table":
        """Adds a notice with the first of these rows, if there are any.

        Args:
            doubtful: booleans, one per row of the frame.
            column: whose values are shown.
            problem: what is doubtful, to follow "3 of 20 rows".
        """
        if not doubtful.any():
            return self
        rows = self.frame.filter(doubtful)
        heading, places = self._places(rows.head(_NOTED_ROWS))
        values = [shortened(repr(value)) for value in rows[column].head(_NOTED_ROWS)]
        first = ", ".join(
            f"{heading} {place} {value}" if place else value
            for place, value in zip(places, values, strict=True)
        )
        text = f"{rows.height:,} of {self.frame.height:,} rows {problem}"
        return replace(self, notices=(*self.notices, Notice(text, rows.height, first)))

    def refuse_where(
        self,
        wrong: pl.Series,
        error: type[BadRowsError],
        problem: str,
        remedy: str | Callable[[], str],
    ) -> None:
        """Raises `error` with the first wrong rows, if there are any.

        Args:
            wrong: booleans, one per row of the frame.
            error: the class to raise.
            problem: what is wrong with the rows, to follow "3 of 20 rows".
            remedy: what to do about it; a function, if that takes long to find out.
        """
        if wrong.any():
            rows = self.frame.filter(wrong)
            said = remedy if isinstance(remedy, str) else remedy()
            self.refuse(
                rows, error, f"{rows.height:,} of {self.frame.height:,} rows {problem}", said
            )

    def refuse(
        self, rows: pl.DataFrame, error: type[BadRowsError], problem: str, remedy: str
    ) -> NoReturn:
        """Raises `error` with the first of these rows, which are rows of the frame."""
        shown = rows.head(SHOWN_ROWS)
        if ROW in shown.columns:
            heading, places = self._places(shown)
            shown = shown.drop(ROW).insert_column(0, pl.Series(heading, places))
        title = "The first of them" if rows.height > SHOWN_ROWS else "Found"
        raise error(f"{self.path}: {problem}.\n{title}:\n{_as_text(shown)}\n{remedy}")

    def _places(self, rows: pl.DataFrame) -> tuple[str, Sequence[int | None]]:
        """The places of rows of the frame: line numbers of a CSV file, or row numbers."""
        if ROW not in rows.columns:
            return "row", [None] * rows.height
        positions = rows[ROW].to_list()
        if self.layout is None:
            return "row", [position + 1 for position in positions]
        return "line", lines_of(self.layout, positions)


def _is_whole(column: pl.Series) -> bool:
    """Whether fractions are integers, of which each is another fraction."""
    if not column.dtype.is_float():
        return False
    values = column.fill_nan(None).drop_nulls()
    return bool(((values == values.round()) & (values.abs() < _EXACT)).all())


def _has_one_spelling(kind: pl.DataType) -> bool:
    whole = kind.is_integer() or (isinstance(kind, pl.Decimal) and kind.scale == 0)
    return whole or kind in (pl.String, pl.Categorical, pl.Enum, pl.Null)


def _as_text(frame: pl.DataFrame) -> str:
    """A small aligned table."""
    texts = frame.cast(pl.String)  # by polars: a year may be beyond what Python's datetime holds
    rows = [
        ["null" if text is None else shortened(text) or '""' for text in row]
        for row in texts.rows()
    ]
    lines = [frame.columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(frame.width)]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
