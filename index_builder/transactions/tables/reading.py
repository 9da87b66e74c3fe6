"""Reading tables: a file or every file of a folder, whatever its kind."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

import polars as pl

from index_builder.transactions.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    UnreadableFileError,
)
from index_builder.transactions.tables.files import (
    TableFile,
    Wanted,
    files_of,
    open_file,
)
from index_builder.transactions.tables.findings import Findings, PartRefusedError, RowCheck
from index_builder.transactions.tables.table import ROW, Table
from service.support.files import signature

_READINGS = 3  # of a file that others change


def read_tables(path: Path, wanted: Wanted, check: Callable[[Table], Table]) -> Table:
    """Reads a file, or every file of a folder, keeping the wanted columns; each of them at once.

    Args:
        path: a file, or a folder; see `files_of`.
        wanted: the columns.
        check: brings one file's table to its final types, so that an error names the file.

    Raises:
        DataError: see `index_builder.transactions.errors`.
    """

    def read(file: Path) -> Table:
        return check(open_file(file, wanted).whole())

    return whole_table(path, [read_at_rest(file, read) for file in files_of(path)])


def read_at_rest(file: Path, read: Callable[[Path], Table]) -> Table:
    """Reads a file, and if others change it meanwhile, reads it again.

    A file is opened several times: to look at it, to count its lines, to read them. All this must
    be of the same content.

    Raises:
        UnreadableFileError: it was changed at every reading.
    """
    for _ in range(_READINGS):
        before = signature(file)
        try:
            found = read(file)
        except (DataError, OSError):
            if signature(file) == before:
                raise
        else:
            if signature(file) == before:
                return found
    raise UnreadableFileError(
        f"{file}: expected a file that stays as it is while it is read, found it changed "
        f"{_READINGS} times.\nWrite it under another name, and rename it when it is whole."
    )


def whole_table(path: Path, tables: Sequence[Table]) -> Table:
    """The tables of a file, or of a folder's files, as one.

    Raises:
        ColumnTypeError: a column is of different types.
        EmptyDataError: there are no rows.
    """
    table = tables[0] if len(tables) == 1 else stacked(path, tables)
    if table.frame.is_empty():
        raise EmptyDataError(f"{path}: no rows.\nExpected: at least one row under the header.")
    return table


def read_parts(
    file: TableFile,
    rows: int,
    check: Callable[[Table], Table],
    take: Callable[[Table], object],
) -> Table:
    """Reads a file a part at a time; errors and notices are those of the whole file.

    Args:
        file: opened.
        rows: most rows of a part.
        check: brings a part to its final types.
        take: takes it; if the file is refused in the end, some parts were taken before.

    Returns:
        The file's table with its first row alone, which shows the types.

    Raises:
        DataError: the file is refused.
    """
    findings = Findings()
    first: Table | None = None
    parts = _counted(file.parts(rows), findings)
    empty = next(parts)
    # To check an empty part takes as long as some hundred rows, and there may be many files.
    for part in chain([next(parts, empty)], parts):
        with suppress(PartRefusedError):
            checked = check(replace(part, left_out={}, findings=findings))
            if first is None or first.frame.is_empty():
                first = replace(checked, frame=checked.frame.head(1), findings=None)
            if findings.first_fault() is None:
                take(checked)
    _refuse(file, findings)
    if first is None:
        raise ValueError(f"{file.path}: expected a part without faults, found none")
    _look_for_twins(file, rows, check, findings)
    return replace(
        first,
        left_out={reason: count for reason, count in findings.left_out.items() if count},
        notices=tuple(
            first.notice(column, problem, tally)
            for (column, problem), tally in findings.notices.items()
            if tally.found
        ),
    )


def _counted(parts: Iterable[Table], findings: Findings) -> Iterator[Table]:
    """Yields parts, and adds up what was left out of them."""
    for part in parts:
        for reason, count in part.left_out.items():
            findings.left_out[reason] = findings.left_out.get(reason, 0) + count
        yield part


def _refuse(file: TableFile, findings: Findings) -> None:
    """Raises what refuses the file, if anything does."""
    fault = findings.first_fault()
    if isinstance(fault, RowCheck):
        shown = Table(file.path, pl.DataFrame(), layout=file.layout)
        shown.refuse_found(fault, findings.tallies[fault.problem])
    if fault is not None:
        raise fault


def _look_for_twins(
    file: TableFile, rows: int, check: Callable[[Table], Table], findings: Findings
) -> None:
    """Looks for twins of doubtful values in the parts before these; few files have any."""
    open_ended = {column: each for (column, _), each in findings.notices.items() if each.looking}
    if not open_ended:
        return
    for part in file.parts(rows):
        frame = check(replace(part, findings=Findings())).frame
        for column, tally in open_ended.items():
            tally.look_for_twins(frame[column])


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
