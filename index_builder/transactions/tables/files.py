"""Files of tables, opened: their wanted columns, a part at a time or whole."""

import difflib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePath
from typing import NamedTuple

import polars as pl

from index_builder.transactions.errors import MissingColumnError, UnreadableFileError
from index_builder.transactions.tables.csv_files import csv_parts
from index_builder.transactions.tables.csv_layout import CsvLayout, csv_layout
from index_builder.transactions.tables.excel_files import read_excel
from index_builder.transactions.tables.format import Format
from index_builder.transactions.tables.parquet_files import parquet_columns, parquet_parts
from index_builder.transactions.tables.table import ROW, Table
from index_builder.transactions.tables.texts import refusing_what_is_no_text

_PARQUET = (".parquet", ".pq")
_EXCEL = (".xlsx", ".xls", ".ods")
SUFFIXES = (*_PARQUET, ".csv", ".csv.gz", ".tsv", ".tsv.gz", *_EXCEL)
_HIDDEN = (".", "_", "lost+found")  # the last one is a file system's own
_WHOLE = 1 << 40  # rows of a part that is all of a file

_Part = tuple[pl.DataFrame, int]  # rows, and the number of blank lines between them


class Wanted(NamedTuple):
    """The columns that a caller wants.

    Attributes:
        required: must be there.
        optional: are taken where they are there.
        given: what is known of the format.
    """

    required: Sequence[str]
    optional: Sequence[str] = ()
    given: Format = Format()


@dataclass(frozen=True)
class TableFile:
    """An opened file.

    Attributes:
        path: of the file.
        named: the columns of the file that are read.
        columns: how the wanted columns are made of them.
        unused: names of the other columns.
        layout: of a CSV file.
        read: yields rows, so many at a time, the first part without any.
    """

    path: Path
    named: Sequence[str]
    columns: Sequence[pl.Expr]
    unused: tuple[str, ...]
    layout: CsvLayout | None
    read: Callable[[int], Iterator[_Part]]

    def parts(self, rows: int) -> Iterator[Table]:
        """Yields the wanted columns, of at most so many rows; the first part is empty.

        Raises:
            UnreadableFileError: the file is damaged, or a record is wrong.
        """
        first = 0
        text = not self.path.name.lower().endswith(_PARQUET)
        for frame, blank in self.read(rows):
            place = pl.int_range(first, first + pl.len(), dtype=pl.Int64).alias(ROW)
            first += frame.height
            filled = frame.select(place, *self.named)
            if text:
                filled = filled.filter(~pl.all_horizontal(pl.col(self.named).is_null()))
                blank += frame.height - filled.height
            yield Table(
                self.path,
                filled.select(ROW, *self.columns),
                self.unused,
                {"blank lines": blank} if text else {},
                layout=self.layout,
            )

    def whole(self) -> Table:
        """All rows at once.

        Raises:
            UnreadableFileError: as for `parts`.
        """
        parts = list(self.parts(_WHOLE))
        left_out = sum((Counter(part.left_out) for part in parts), Counter[str]())
        frame = pl.concat([part.frame for part in parts])
        return replace(parts[0], frame=frame, left_out=dict(+left_out))


def files_of(path: Path) -> list[Path]:
    """The file, or the files of a folder, in the order of their names.

    A folder is searched in depth; names that begin with a dot or an underscore are skipped.

    Raises:
        UnreadableFileError: there are none, the file is of an unknown kind, or the folder has
            something that looks like data and cannot be read.
    """
    if not path.exists():
        raise UnreadableFileError(f"{path}: no such file.")
    if path.is_dir():
        files = sorted(_data_files(path))
    elif not path.name.lower().endswith(SUFFIXES):
        raise UnreadableFileError(
            f"{path}: unknown kind of file.\nExpected: {', '.join(SUFFIXES)}, or a folder."
        )
    else:
        files = [path]
    if not files:
        raise UnreadableFileError(
            f"{path}: a folder without data files.\nExpected: {', '.join(SUFFIXES)}."
        )
    for file in files:
        _refuse_unusable(file)
    return files


def is_data_file(name: PurePath) -> bool:
    """Whether a file of this name, relative to its folder, is read with the folder."""
    hidden = any(part.startswith(_HIDDEN) for part in name.parts)
    return name.name.lower().endswith(SUFFIXES) and not hidden


def _data_files(folder: Path) -> Iterator[Path]:
    """Yields what has the name of a data file, and links that may have led to some."""
    for inner, folders, names in os.walk(folder, onerror=_refuse_unreadable):
        folders[:] = [name for name in folders if not name.startswith(_HIDDEN)]
        for file in (Path(inner, name) for name in (*folders, *names)):
            leads_to_a_file = not file.is_symlink() or file.is_file()
            looks_like_data = file.name.lower().endswith(SUFFIXES) and not file.is_dir()
            if (looks_like_data or not leads_to_a_file) and not file.name.startswith(_HIDDEN):
                yield file


def _refuse_unreadable(error: OSError) -> None:
    raise UnreadableFileError(f"{error.filename}: cannot be read: {error.strerror}.") from error


def _refuse_unusable(file: Path) -> None:
    require_utf8(file)
    if not file.is_file():
        found = "something else"
        if file.is_symlink():
            found = "a link to a folder" if file.is_dir() else "a link that leads nowhere"
        raise UnreadableFileError(
            f"{file}: expected a file or a folder, found {found}.\n"
            "Put the data themselves here, or begin its name with a dot, and it is left out."
        )


def require_utf8(path: Path) -> None:
    """Refuses a path that polars, DuckDB and JSON cannot have.

    Raises:
        UnreadableFileError: it is not UTF-8.
    """
    shown = os.fsencode(path).decode(errors="backslashreplace")
    if shown != str(path):
        raise UnreadableFileError(
            f"{shown}: expected a name in UTF-8, found other bytes.\nRename the file or folder."
        )


def open_file(file: Path, wanted: Wanted) -> TableFile:
    """Finds the wanted columns.

    Raises:
        MissingColumnError: a required one is not there, or is there twice.
        UnreadableFileError: the file is not what its suffix says.
        EmptyDataError: a CSV file without a line.
    """
    try:
        return _opened(file, wanted)
    except MissingColumnError:
        # Names that are given may be those of the other file: transactions or products.
        with suppress(MissingColumnError):
            return _opened(file, wanted._replace(given=replace(wanted.given, columns={})))
        raise


def _opened(file: Path, wanted: Wanted) -> TableFile:
    required, optional, given = wanted
    parts = {name: given.parts(name) for name in (*required, *optional)}
    # An optional column whose name is given must be there, too.
    needed = [part for name in parts if name in (*required, *given.columns) for part in parts[name]]
    layout, found, read = _source(file, needed, given)
    _require(file, needed, found)
    names = dict.fromkeys(part for each in parts.values() for part in each)
    named = [name for name in names if name in found]
    _refuse_twice(file, named, found)
    there = {name: each for name, each in parts.items() if set(each) <= set(found)}
    columns = [
        pl.col(each[0]).alias(name)
        if len(each) == 1
        else pl.concat_str(pl.col(each).cast(pl.String), separator=" ").alias(name)
        for name, each in there.items()
    ]
    unused = tuple(name for name in found if name and name not in named)
    return TableFile(file, named, columns, unused, layout, partial(read, named))


def _source(
    file: Path, needed: Sequence[str], given: Format
) -> tuple[CsvLayout | None, Sequence[str], Callable[[Sequence[str], int], Iterator[_Part]]]:
    """The layout of a CSV file, the names of all columns, and what reads some of these."""
    kind = file.name.lower()
    if kind.endswith(_PARQUET):
        return None, parquet_columns(file), partial(_parquet, file)
    if kind.endswith(_EXCEL):
        sheets = read_excel(file, needed)
        return None, sheets.columns, partial(_excel, sheets)
    with refusing_what_is_no_text(file, given.encoding):
        layout = csv_layout(file, needed, given)
    return layout, layout.names, partial(csv_parts, layout)


def _parquet(file: Path, columns: Sequence[str], rows: int) -> Iterator[_Part]:
    return ((part, 0) for part in parquet_parts(file, columns, rows))


def _excel(sheets: pl.DataFrame, columns: Sequence[str], _rows: int) -> Iterator[_Part]:
    wanted = sheets.select(columns)
    return iter([(wanted.head(0), 0), (wanted, 0)])


def _refuse_twice(file: Path, named: Sequence[str], found: Sequence[str]) -> None:
    twice = [name for name, count in Counter(found).items() if count > 1 and name in named]
    if twice:
        raise MissingColumnError(
            f"{file}: expected one column {twice[0]!r}, found several.\nRename all but one."
        )


def _require(file: Path, required: Sequence[str], found: Sequence[str]) -> None:
    missing = [name for name in required if name not in found]
    if not missing:
        return
    hints = []
    for name in missing:
        spare = {other.strip().lower(): other for other in found if other not in required}
        near = difflib.get_close_matches(name, spare, n=1)
        hints += [f"\nRename {spare[match]!r} to {name!r}?" for match in near]
    if len(found) == 1:
        hints.append("\nIf it has several columns, --separator says what stands between them.")
    columns = "column" if len(missing) == 1 else "columns"
    raise MissingColumnError(
        f"{file}: no {columns} {', '.join(map(repr, missing))}.\n"
        f"Found: {', '.join(map(repr, found))}."
        + "".join(hints)
        + "\nColumns that have other names can be told: --column user_id=Customer, say."
    )
