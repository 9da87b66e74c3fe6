"""Reading tables: a file or every file of a folder, whatever its kind."""

import difflib
from collections import Counter
from collections.abc import Callable, Sequence
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

SUFFIXES = (".parquet", ".pq", ".csv", ".csv.gz", ".tsv", ".tsv.gz")
_PARQUET = (".parquet", ".pq")


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
    given = given or Format()
    tables = [check(_read_table(file, required, optional, given)) for file in _files(path)]
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
        left_out=dict(sum((Counter(table.left_out) for table in tables), Counter())),
        notices=tuple(
            replace(notice, first=f"{table.path.name}, {notice.first}")
            for table in tables
            for notice in table.notices
        ),
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


def _read_table(
    file: Path, required: Sequence[str], optional: Sequence[str], given: Format
) -> Table:
    """Reads the wanted columns, under their own names."""
    named = {name: given.columns.get(name, name) for name in (*required, *optional)}
    needed = [named[name] for name in required]
    if file.name.lower().endswith(_PARQUET):
        table = _read_parquet(file, needed, list(named.values()))
    else:
        table = _read_csv(file, needed, list(named.values()), given)
    wanted = {found: name for name, found in named.items() if found in table.frame.columns}
    frame = table.frame.rename(wanted)
    return replace(table, frame=frame)


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
