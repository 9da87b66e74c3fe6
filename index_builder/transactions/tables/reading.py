"""Reading tables: a file or every file of a folder, whatever its kind."""

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import polars as pl

from index_builder.transactions.errors import (
    ColumnTypeError,
    EmptyDataError,
    MissingColumnError,
    UnreadableFileError,
)
from index_builder.transactions.tables.csv_files import read_csv
from index_builder.transactions.tables.csv_layout import csv_layout
from index_builder.transactions.tables.format import Format
from index_builder.transactions.tables.table import ROW, Table
from index_builder.transactions.tables.texts import refusing_what_is_no_text
from service.support.extras import need
from service.support.validity import SPACES

_PARQUET = (".parquet", ".pq")
_EXCEL = (".xlsx", ".xls", ".ods")
SUFFIXES = (*_PARQUET, ".csv", ".csv.gz", ".tsv", ".tsv.gz", *_EXCEL)


def read_tables(
    path: Path,
    required: Sequence[str],
    optional: Sequence[str],
    check: Callable[[Table], Table],
    given: Format | None = None,
) -> Table:
    """Reads a file, or every file of a folder, keeping the wanted columns.

    Args:
        path: a Parquet or CSV file, or a folder of them (searched in depth; names that begin
            with a dot or an underscore are skipped).
        required: columns that must be there.
        optional: columns that are taken where they are there.
        check: brings one file's table to its final types, so that an error names the file.
        given: what is known of the format.

    Raises:
        DataError: see `index_builder.transactions.errors`.
    """
    files = files_of(path)
    return whole_table(path, [read_file(file, required, optional, check, given) for file in files])


def read_file(
    file: Path,
    required: Sequence[str],
    optional: Sequence[str],
    check: Callable[[Table], Table],
    given: Format | None = None,
) -> Table:
    """Reads one file, which may have no rows; arguments and errors as of `read_tables`."""
    return check(_read_table(file, required, optional, given or Format()))


def whole_table(path: Path, tables: Sequence[Table]) -> Table:
    """The table of a path, of the tables of its files.

    Raises:
        ColumnTypeError: a column is of different types.
        EmptyDataError: no file has rows.
    """
    table = tables[0] if len(tables) == 1 else stacked(path, tables)
    if table.frame.is_empty():
        raise EmptyDataError(f"{path}: no rows.\nExpected: at least one row under the header.")
    return table


def stacked(path: Path, tables: Sequence[Table]) -> Table:
    """Puts the tables of a folder's files into one.

    Raises:
        ColumnTypeError: a column is of different types.
    """
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
        left_out=dict(sum((Counter(table.left_out) for table in tables), Counter())),
        notices=tuple(
            replace(notice, first=f"{table.path.name}, {notice.first}")
            for table in tables
            for notice in table.notices
        ),
    )


def files_of(path: Path) -> list[Path]:
    """The files of a path, in order.

    Raises:
        UnreadableFileError: there is none, or the kind of the file is not known.
    """
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


def _read_table(
    file: Path, required: Sequence[str], optional: Sequence[str], given: Format
) -> Table:
    """Reads the wanted columns, under their own names."""
    try:
        return _read_named(file, required, optional, given)
    except MissingColumnError:
        # Names that are given may be those of the other file: transactions or products.
        with suppress(MissingColumnError):
            return _read_named(file, required, optional, replace(given, columns={}))
        raise


def _read_named(
    file: Path, required: Sequence[str], optional: Sequence[str], given: Format
) -> Table:
    parts = {name: given.parts(name) for name in (*required, *optional)}
    # An optional column whose name is given must be there, too.
    needed = [part for name in parts if name in (*required, *given.columns) for part in parts[name]]
    named = list(dict.fromkeys(part for each in parts.values() for part in each))
    if file.name.lower().endswith(_PARQUET):
        table = _read_parquet(file, needed, named)
    elif file.name.lower().endswith(_EXCEL):
        table = _read_excel(file, needed, named)
    else:
        table = _read_csv(file, needed, named, given)
    there = {name: each for name, each in parts.items() if set(each) <= set(table.frame.columns)}
    wanted = [
        pl.col(each[0]).alias(name)
        if len(each) == 1
        else pl.concat_str(pl.col(each).cast(pl.String), separator=" ").alias(name)
        for name, each in there.items()
    ]
    return replace(table, frame=table.frame.select(ROW, *wanted))


def _read_parquet(file: Path, required: Sequence[str], named: Sequence[str]) -> Table:
    try:
        lazy = pl.scan_parquet(file, hive_partitioning=True, glob=False)
        found = lazy.collect_schema().names()
        _require(file, required, found)
        wanted = [name for name in named if name in found]
        frame = lazy.select(wanted).with_row_index(ROW).collect()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise UnreadableFileError(f"{file}: not readable as Parquet: {error}") from error
    return Table(file, frame, tuple(name for name in found if name not in wanted))


def _read_excel(file: Path, required: Sequence[str], named: Sequence[str]) -> Table:
    """Reads all sheets that have the columns; every cell as a string, as from a CSV file."""
    need("excel", str(file))
    # Here and not above: it is not always installed.
    import fastexcel

    try:
        book = fastexcel.read_excel(file)
        sheets = [book.load_sheet(name, dtypes="string") for name in book.sheet_names]
        frames = [sheet.to_polars() for sheet in sheets]
    except fastexcel.FastExcelError as error:
        raise UnreadableFileError(f"{file}: not readable as Excel: {error}") from error
    tidy = [each.rename(lambda name: name.strip(SPACES)) for each in frames]
    having = [each for each in tidy if set(required) <= set(each.columns)]
    found = max(having or tidy, key=lambda each: each.width).columns if tidy else []
    _require(file, required, found)
    wanted = [name for name in named if name in found]
    read = pl.concat(
        [each.select(name for name in wanted if name in each.columns) for each in having],
        how="diagonal",
    )
    frame = read.with_row_index(ROW).filter(~pl.all_horizontal(pl.col(wanted).is_null()))
    blank = read.height - frame.height
    unused = tuple(name for name in found if name not in wanted)
    return Table(file, frame, unused, {"blank lines": blank} if blank else {})


def _read_csv(file: Path, required: Sequence[str], named: Sequence[str], given: Format) -> Table:
    with refusing_what_is_no_text(file, given.encoding):
        layout = csv_layout(file, required, given)
    found = layout.names
    _require(file, required, found)
    wanted = [name for name in named if name in found]
    twice = [name for name, count in Counter(found).items() if count > 1 and name in wanted]
    if twice:
        raise MissingColumnError(
            f"{file}: expected one column {twice[0]!r}, found several.\nRename all but one."
        )
    read, blank_lines = read_csv(layout, wanted)
    read = read.with_row_index(ROW)
    frame = read.filter(~pl.all_horizontal(pl.col(wanted).is_null()))
    blank_lines += read.height - frame.height
    return Table(
        file,
        frame,
        tuple(name for name in found if name and name not in wanted),
        {"blank lines": blank_lines} if blank_lines else {},
        layout=layout,
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
