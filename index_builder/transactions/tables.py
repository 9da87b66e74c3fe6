"""Tables: the wanted columns of Parquet and CSV files, and errors that show the wrong rows."""

import csv
import difflib
import gzip
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NoReturn

import polars as pl

from index_builder.transactions.errors import (
    BadRowsError,
    ColumnTypeError,
    EmptyDataError,
    EmptyIdError,
    LongIdError,
    MissingColumnError,
    UnreadableFileError,
)
from service.support.validity import ID_CHARS, LARGEST_NUMBER, SPACES

SUFFIXES = (".parquet", ".pq", ".csv", ".csv.gz")
ROW = "_row"  # position of a row in its file, counted from 0
SHOWN_ROWS = 5
GZIP_MAGIC = b"\x1f\x8b"


@dataclass(frozen=True)
class Table:
    """The wanted columns of a file, or of all files of a folder.

    Attributes:
        path: the file, or the folder when the rows come from several files.
        frame: the wanted columns; `_row` beside them for a single file.
        unused: names of the other columns of the file.
        blank_lines: number of lines of CSV files that were skipped because they are empty.
    """

    path: Path
    frame: pl.DataFrame
    unused: tuple[str, ...] = ()
    blank_lines: int = 0

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

        Raises:
            ColumnTypeError: a column is of another type; a fraction can be written in many ways.
        """
        for column in columns:
            self.require_type(column, _has_one_spelling, "strings or integers")
        return replace(self, frame=self.frame.with_columns(pl.col(columns).cast(pl.String)))

    def with_ids(self, *columns: str) -> "Table":
        """Turns id columns into strings, without the spaces around them.

        Raises:
            ColumnTypeError: a column holds neither strings nor integers.
            EmptyIdError: an id is null or blank.
            LongIdError: an id is too long for a request.
        """
        table = self.with_names(*columns)
        for column in columns:
            ids = table.frame[column]
            table.refuse_where(
                ids.is_null() | (ids == ""),
                EmptyIdError,
                f"have no {column}",
                "Give every row its id, or leave the rows out.",
            )
        return table

    def with_names(self, *columns: str) -> "Table":
        """Turns columns that a request may name into strings, without the spaces around them.

        Raises:
            ColumnTypeError: a column holds neither strings nor integers.
            LongIdError: a name is too long for a request.
        """
        table = self.with_strings(*columns)
        tidy = table.frame.with_columns(pl.col(columns).str.strip_chars(SPACES))
        table = replace(table, frame=tidy)
        for column in columns:
            table.refuse_where(
                (tidy[column].str.len_chars() > ID_CHARS).fill_null(value=False),
                LongIdError,
                f"have a {column} of more than {ID_CHARS} characters",
                "Shorten it: requests cannot name it.",
            )
        return table

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
        numbers = values.cast(pl.Float64, strict=False)
        self.refuse_where(
            (numbers.is_null() & values.is_not_null()) | ~numbers.is_finite().fill_null(value=True),
            error,
            f"have a {column} that is no number",
            f"Leave the {column} empty where it is unknown.",
        )
        self.refuse_where(
            (numbers.abs() > LARGEST_NUMBER).fill_null(value=False),
            error,
            f"have a {column} beyond {LARGEST_NUMBER:.0e}",
            f"Leave the {column} empty where it is unknown.",
        )
        return replace(self, frame=self.frame.with_columns(numbers.alias(column)))

    def refuse_where(
        self, wrong: pl.Series, error: type[BadRowsError], problem: str, remedy: str
    ) -> None:
        """Raises `error` with the first wrong rows, if there are any.

        Args:
            wrong: booleans, one per row of the frame.
            error: the class to raise.
            problem: what is wrong with the rows, to follow "3 of 20 rows".
            remedy: what to do about it.
        """
        if wrong.any():
            rows = self.frame.filter(wrong)
            self.refuse(
                rows, error, f"{rows.height:,} of {self.frame.height:,} rows {problem}", remedy
            )

    def refuse(
        self, rows: pl.DataFrame, error: type[BadRowsError], problem: str, remedy: str
    ) -> NoReturn:
        """Raises `error` with the first of these rows, which are rows of the frame."""
        shown = rows.head(SHOWN_ROWS)
        if ROW in shown.columns:
            heading, places = _places(self.path, shown[ROW].to_list())
            shown = shown.drop(ROW).insert_column(0, pl.Series(heading, places))
        title = "The first of them" if rows.height > SHOWN_ROWS else "Found"
        raise error(f"{self.path}: {problem}.\n{title}:\n{_as_text(shown)}\n{remedy}")


def read_tables(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    check: Callable[[Table], Table],
) -> Table:
    """Reads a file, or every file of a folder, keeping the wanted columns.

    Args:
        path: a Parquet or CSV file, or a folder of them (searched in depth; names that begin
            with a dot or an underscore are skipped).
        required: columns that must be there.
        optional: columns that are taken where they are there.
        check: brings one file's table to its final types, so that an error names the file.

    Raises:
        DataError: see `index_builder.transactions.errors`.
    """
    tables = [check(_read_table(file, required, optional)) for file in _files(path)]
    table = tables[0] if len(tables) == 1 else _stack(path, tables)
    if table.frame.is_empty():
        raise EmptyDataError(f"{path}: no rows.\nExpected: at least one row under the header.")
    return table


def _stack(path: Path, tables: Sequence[Table]) -> Table:
    # The types of an empty file (a day on which the shop was closed) do not matter.
    filled = [table for table in tables if not table.frame.is_empty()] or tables[:1]
    first = filled[0]
    for table in filled:
        for column, kind in table.frame.schema.items():
            expected = first.frame.schema.get(column, kind)
            if kind != expected:
                raise ColumnTypeError(
                    f"{table.path}: column {column!r} holds {kind}.\n"
                    f"Expected: {expected}, as in {first.path}.\n"
                    "Write all files of the folder alike."
                )
    return Table(
        path=path,
        frame=pl.concat([table.frame.drop(ROW) for table in filled], how="diagonal"),
        unused=tuple(dict.fromkeys(name for table in tables for name in table.unused)),
        blank_lines=sum(table.blank_lines for table in tables),
    )


def _files(path: Path) -> list[Path]:
    if not path.exists():
        raise UnreadableFileError(f"{path}: no such file.")
    if path.is_file():
        if not path.name.lower().endswith(SUFFIXES):
            raise UnreadableFileError(
                f"{path}: unknown kind of file.\nExpected: {', '.join(SUFFIXES)}, or a folder."
            )
        return [path]
    files = [
        file
        for file in sorted(path.rglob("*"))
        if file.is_file()
        and file.name.lower().endswith(SUFFIXES)
        and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    ]
    if not files:
        raise UnreadableFileError(
            f"{path}: a folder without data files.\nExpected: {', '.join(SUFFIXES)}."
        )
    return files


def _read_table(file: Path, required: Sequence[str], optional: Sequence[str]) -> Table:
    try:
        # CSV columns stay strings: a parser that guesses types turns id 007 into 7.
        lazy = (
            pl.scan_csv(file, infer_schema=False, glob=False)
            if _is_csv(file)
            else pl.scan_parquet(file, hive_partitioning=True, glob=False)
        )
        found = lazy.collect_schema().names()
        _require(file, required, found)
        wanted = [name for name in (*required, *optional) if name in found]
        read = lazy.select(wanted).with_row_index(ROW).collect()
    except pl.exceptions.NoDataError as error:
        raise EmptyDataError(f"{file}: the file is empty.") from error
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        kind = "CSV (UTF-8, commas)" if _is_csv(file) else "Parquet"
        raise UnreadableFileError(f"{file}: not readable as {kind}: {error}") from error
    frame = read.filter(~pl.all_horizontal(pl.col(wanted).is_null())) if _is_csv(file) else read
    unused = tuple(name for name in found if name not in wanted)
    return Table(file, frame, unused, blank_lines=read.height - frame.height)


def _require(file: Path, required: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in required if name not in found]
    if not missing:
        return
    hints = []
    for name in missing:
        spare = {other.strip().lower(): other for other in found if other not in required}
        near = difflib.get_close_matches(name, spare, n=1)
        hints += [f"\nRename {spare[match]!r} to {name!r}?" for match in near]
    if len(found) == 1 and any(mark in found[0] for mark in ";\t|"):
        hints = ["\nThe columns must be separated by commas."]
    columns = "column" if len(missing) == 1 else "columns"
    raise MissingColumnError(
        f"{file}: no {columns} {', '.join(map(repr, missing))}.\n"
        f"Found: {', '.join(map(repr, found))}." + "".join(hints)
    )


def _has_one_spelling(kind: pl.DataType) -> bool:
    whole = kind.is_integer() or (isinstance(kind, pl.Decimal) and kind.scale == 0)
    return whole or kind in (pl.String, pl.Categorical, pl.Enum, pl.Null)


def _is_csv(file: Path) -> bool:
    return file.name.lower().endswith((".csv", ".csv.gz"))


def _places(file: Path, rows: Sequence[int]) -> tuple[str, list[int]]:
    """The places of these rows (ascending, from 0): line numbers of a CSV file, or row numbers."""
    if not _is_csv(file):
        return "row", [row + 1 for row in rows]
    # A quoted field may span lines, so that only reading up to a row gives its line.
    with file.open("rb") as raw:
        opener = gzip.open if raw.read(2) == GZIP_MAGIC else open
    begins: list[int] = []
    with opener(file, "rt", encoding="utf-8-sig", newline="") as text:
        reader = csv.reader(text)
        next(reader)
        wanted = set(rows)
        begin = reader.line_num + 1
        for row, _ in enumerate(reader):
            if row in wanted:
                begins.append(begin)
                if len(begins) == len(wanted):
                    break
            begin = reader.line_num + 1
    return "line", begins


def _as_text(frame: pl.DataFrame) -> str:
    """A small aligned table."""
    texts = frame.cast(pl.String)  # by polars: a year may be beyond what Python's datetime holds
    rows = [["null" if text is None else text or '""' for text in row] for row in texts.rows()]
    lines = [frame.columns, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(frame.width)]
    return "\n".join(
        "  "
        + "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
