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
from index_builder.transactions.tables.findings import (
    NOTED_ROWS,
    SHOWN_ROWS,
    Findings,
    Notice,
    PartRefusedError,
    RowCheck,
    Tally,
    Twins,
    as_text,
)
from service.support.invalid_fields import shortened
from service.support.validity import ID_CHARS, LARGEST_NUMBER, SPACES

ROW = "_row"  # position of a row in its file, counted from 0
_EXACT_DOUBLE = 2**53  # up to which a double tells integers apart
_EXACT: Mapping[type[pl.DataType], int] = {pl.Float16: 2**11, pl.Float32: 2**24}


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
        findings: of the file, if this is a part of it: checks then add to the findings, and a part
            with wrong rows raises PartRefusedError; None: checks refuse and notice at once.
    """

    path: Path
    frame: pl.DataFrame
    unused: tuple[str, ...] = ()
    left_out: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[Notice, ...] = ()
    layout: CsvLayout | None = None
    findings: Findings | None = None

    def require_type(
        self, column: str, accepts: Callable[[pl.DataType], bool], expected: str
    ) -> None:
        """Raises ColumnTypeError if the type of the column is not accepted."""
        kind = self.frame.schema[column]
        error = ColumnTypeError(
            f"{self.path}: column {column!r} holds {kind}.\nExpected: {expected}."
        )
        if self.findings is not None:
            self.findings.require(f"{column}: type", None if accepts(kind) else error)
        elif not accepts(kind):
            raise error

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
        count = int(wrong.sum())
        left_out = self.left_out if self.findings is None else self.findings.left_out
        counts = {**left_out, reason: left_out.get(reason, 0) + count}
        if self.findings is not None:
            self.findings.left_out = counts
        elif count:
            return replace(self, frame=self.frame.filter(~wrong), left_out=counts)
        return replace(self, frame=self.frame.filter(~wrong)) if count else self

    def noted_where(
        self, doubtful: pl.Series, column: str, problem: str, twins: Twins | None = None
    ) -> "Table":
        """Adds a notice with the first of these rows, if there are any.

        Args:
            doubtful: booleans, one per row of the frame.
            column: whose values are shown.
            problem: what is doubtful, to follow "3 of 20 rows".
            twins: values of the column that make it another problem.
        """
        tally = Tally() if self.findings is None else self.findings.noted(column, problem)
        tally.add(self.frame, doubtful, NOTED_ROWS)
        if twins is not None:
            tally.add_twins(self.frame[column], twins)
        if self.findings is not None or not tally.found:
            return self
        return replace(self, notices=(*self.notices, self.notice(column, problem, tally)))

    def notice(self, column: str, problem: str, tally: Tally) -> Notice:
        """The notice of rows that were found."""
        if tally.rows is None:
            raise ValueError(f"{problem}: expected rows, found none")
        heading, places = self._places(tally.rows)
        values = [shortened(repr(value)) for value in tally.rows[column]]
        first = ", ".join(
            f"{heading} {place} {value}" if place else value
            for place, value in zip(places, values, strict=True)
        )
        said = tally.twins.problem if tally.twins is not None and tally.has_twins else problem
        return Notice(f"{tally.found:,} of {tally.seen:,} rows {said}", tally.found, first)

    def refuse_where(
        self,
        wrong: pl.Series,
        error: type[BadRowsError],
        problem: str,
        remedy: str | Callable[[pl.Series], str],
        evidence: pl.Series | None = None,
        *,
        unless_all: bool = False,
    ) -> None:
        """Raises `error` with the first wrong rows, if there are any.

        Args:
            wrong: booleans, one per row of the frame.
            error: the class to raise.
            problem: what is wrong with the rows, to follow "3 of 20 rows".
            remedy: what to do about it; or a function that finds it out, if that takes long.
            evidence: values; the function gets the first distinct ones.
            unless_all: whether rows are wrong only if others are not.
        """
        check = RowCheck(error, problem, remedy, unless_all)
        tally = Tally() if self.findings is None else self.findings.tally_of(check)
        tally.add(self.frame, wrong, SHOWN_ROWS + 1)
        if evidence is not None:
            tally.add_evidence(evidence)
        if self.findings is None and check.fails(tally):
            self.refuse_found(check, tally)
        if self.findings is not None and not unless_all and wrong.any():
            raise PartRefusedError

    def refuse_found(self, check: RowCheck, tally: Tally) -> NoReturn:
        """Raises the error of a check that found wrong rows."""
        if tally.rows is None:
            raise ValueError(f"{check.problem}: expected rows, found none")
        remedy = check.remedy
        if not isinstance(remedy, str):
            remedy = remedy(pl.Series() if tally.evidence is None else tally.evidence)
        problem = f"{tally.found:,} of {tally.seen:,} rows {check.problem}"
        self.refuse(tally.rows, check.error, problem, remedy)

    def refuse(
        self, rows: pl.DataFrame, error: type[BadRowsError], problem: str, remedy: str
    ) -> NoReturn:
        """Raises `error` with the first of these rows, which are rows of the frame."""
        shown = rows.head(SHOWN_ROWS)
        if ROW in shown.columns:
            heading, places = self._places(shown)
            shown = shown.drop(ROW).insert_column(0, pl.Series(heading, places))
        title = "The first of them" if rows.height > SHOWN_ROWS else "Found"
        raise error(f"{self.path}: {problem}.\n{title}:\n{as_text(shown)}\n{remedy}")

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
    values = column.fill_nan(None).drop_nulls().cast(pl.Float64)
    exact = _EXACT.get(column.dtype.base_type(), _EXACT_DOUBLE)
    return bool(((values == values.round()) & (values.abs() < exact)).all())


def _has_one_spelling(kind: pl.DataType) -> bool:
    whole = kind.is_integer() or (isinstance(kind, pl.Decimal) and kind.scale == 0)
    return whole or kind in (pl.String, pl.Categorical, pl.Enum, pl.Null)
