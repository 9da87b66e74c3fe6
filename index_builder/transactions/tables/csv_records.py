"""The records of a CSV file, counted and checked by another reader than the one that reads them.

A reader that takes a bare quotation mark for the begin of a field swallows all rows up to the next
mark, without an error. So the records are counted in another way, too, and what is doubtful is
refused with its line.
"""

import csv
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn, TextIO

import polars as pl

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.tables.csv_layout import CsvLayout

_MARK = '"'
_BLOCK = 1 << 20  # characters
_SHOWN = 100  # characters of a line
_MARK_REMEDY = (
    'Inside quotation marks, write a mark twice: "a 6"" plate". If the file writes \\" instead, as '
    "MySQL does, give --escape '\\'; if no field is enclosed in marks, give --no-quotes."
)


class _Lines(Iterator[str]):
    """Lines that remember the first of those that make a record."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.first = ""

    def __next__(self) -> str:
        line = next(self._lines)
        self.first = self.first or line
        return line


def count_records(layout: CsvLayout) -> tuple[int, int]:
    """Counts the records below the names of the columns, and the blank lines.

    A block of lines of which each is a record, or blank, is quick to count. Others are parsed by
    `csv`, up to the end of the record in which the block ends.

    Raises:
        UnreadableFileError: a record is not what it seems to be; the message has its line.
        UnicodeDecodeError: the file is no text in this encoding.
    """
    counted = _Counted(-1, 0, layout.lines_before)
    simple = _SimpleBlocks(layout)
    with layout.opened() as text:
        while block := text.read(_BLOCK) + text.readline():
            found = simple.counted(block) or _parsed_block(layout, block, text, counted.lines)
            counted = _Counted(*(sum(each) for each in zip(counted, found, strict=True)))
    return counted.records, counted.blank


class _Counted(NamedTuple):
    records: int
    blank: int
    lines: int


class _SimpleBlocks:
    """Counts blocks of which each line is a record, or blank."""

    def __init__(self, layout: CsvLayout) -> None:
        self._marks = [_MARK] if layout.quotes else []
        self._marks += [layout.escape] if layout.escape else []
        separator, more = re.escape(layout.separator), len(layout.names) - 1
        field = rf'(?:"[^"\r\n]*"|[^"{separator}\r\n]*)'
        # A line of one field may be blank, so that the two could not be told apart.
        self._record = rf"(?m)^{field}(?:{separator}{field}){{{more}}}\r?$" if more else None

    def counted(self, block: str) -> _Counted | None:
        """Counts the records, blank lines and lines; None if the block is not a simple one."""
        if not any(mark in block for mark in self._marks):
            lines = block.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n").split("\n")
            blank = lines.count("")
            return _Counted(len(lines) - blank, blank, len(lines))
        if self._record is None or self._marks != [_MARK]:
            return None
        text = pl.Series([block.removesuffix("\n")])
        records = int(text.str.count_matches(self._record).item())
        blank = int(text.str.count_matches(r"(?m)^\r?$").item())
        lines_there = block.removesuffix("\n").count("\n") + 1
        return _Counted(records, blank, lines_there) if records + blank == lines_there else None


def _parsed_block(layout: CsvLayout, block: str, text: TextIO, before: int) -> _Counted:
    """Parses the records that begin in a block; the last may end behind it."""
    in_block = sum(1 for _ in io.StringIO(block, newline=""))
    taken = 0

    def lines() -> Iterator[str]:
        nonlocal taken
        for line in itertools.chain(io.StringIO(block, newline=""), text):
            taken += 1
            yield line

    records = blank = 0
    for is_record in _parsed(layout, lines(), before):
        records, blank = records + is_record, blank + (not is_record)
        if taken >= in_block:
            break
    return _Counted(records, blank, taken)


def refuse_first_fault(layout: CsvLayout) -> None:
    """Parses all records, and refuses the first that is wrong, if there is one.

    Raises:
        UnreadableFileError: there is one.
    """
    with layout.opened() as text:
        for _ in _parsed(layout, text, layout.lines_before):
            pass


def lines_of(layout: CsvLayout, rows: Sequence[int]) -> list[int]:
    """The numbers of the lines, from 1, at which records (from 0, ascending) begin."""
    # A quoted field may span lines, so that only reading up to a record gives its line.
    begins: list[int] = []
    wanted = {row + 1 for row in rows}  # the names of the columns are the first record
    with layout.opened() as text:
        reader = csv.reader(text, **(layout.dialect | {"strict": False}))
        begin, row = 1, 0
        for record in reader:
            if record and row in wanted:
                begins.append(layout.lines_before + begin)
                if len(begins) == len(wanted):
                    break
            row += bool(record)
            begin = reader.line_num + 1
    return begins


def _parsed(layout: CsvLayout, text: Iterable[str], before: int) -> Iterator[bool]:
    """Parses lines, and yields for each record whether it is one; a blank line is none."""

    def fault(record: Sequence[str], last_line: int | None) -> Fault | None:
        if record and len(record) != len(layout.names):
            return Fault(
                f"expected {len(layout.names)} fields, as in the first line, found {len(record)}",
                "Put fields that hold the separator into quotation marks, and write empty fields.",
            )
        if last_line is not None and _holds_rows(layout, record):
            return encloses_rows(last_line)
        return None

    for record in parse_records(layout.path, text, before, layout.dialect, fault):
        yield bool(record)


class Fault(NamedTuple):
    """What is wrong with a record, and what to do about it."""

    problem: str
    remedy: str


def encloses_rows(last_line: int) -> Fault:
    """The fault of a mark that was never meant to enclose what it encloses."""
    return Fault(f"a quotation mark that encloses whole rows, up to line {last_line}", _MARK_REMEDY)


def parse_records(
    path: Path,
    text: Iterable[str],
    before: int,
    dialect: Mapping[str, Any],
    fault: Callable[[Sequence[str], int | None], Fault | None],
) -> Iterator[list[str]]:
    """Parses lines into records; a blank line is an empty one.

    Args:
        path: of the file, for errors.
        text: the lines.
        before: number of lines before them.
        dialect: for `csv.reader`.
        fault: returns what is wrong with a record, if anything is; it gets the record, and the
            number of its last line if it has several.

    Raises:
        UnreadableFileError: a record is wrong.
    """
    lines = _Lines(text)
    reader = csv.reader(lines, **dialect)
    begin = before + 1
    while True:
        lines.first = ""
        try:
            record = next(reader, None)
        except csv.Error as error:
            open_end = "unexpected end" in str(error)
            what = "a quotation mark that is never closed" if open_end else "a stray quotation mark"
            last = before + reader.line_num
            until = f" (up to line {last})" if last > begin else ""
            _refuse(path, begin, Fault(f"{what}{until}", _MARK_REMEDY), lines.first)
        if record is None:
            return
        last = before + reader.line_num
        if (found := fault(record, last if last > begin else None)) is not None:
            _refuse(path, begin, found, lines.first)
        yield record
        begin = last + 1


def _holds_rows(layout: CsvLayout, record: Sequence[str]) -> bool:
    """Whether a field seems to hold other rows, since its mark was never meant to open it."""
    for place, field in enumerate(record):
        *between, last = re.split("\r\n|\r|\n", field)[1:] or [""]
        for line in between:
            cells = line.split(layout.separator)
            if len(cells) == len(record) > 2 and _alike(cells[:place], record[:place]):
                return True
        cells = last.split(layout.separator)[:-1]
        if len(cells) == place > 1 and _alike(cells, record[:place]):
            return True
    return False


def _alike(cells: Sequence[str], others: Sequence[str]) -> bool:
    """Whether cells have the same forms: digits where the others have them, and so on."""
    return all(_form(cell) == _form(other) for cell, other in zip(cells, others, strict=True))


def _form(cell: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "9", cell.strip()))


def _refuse(path: Path, line: int, fault: Fault, found: str) -> NoReturn:
    shown = found.strip("\r\n")
    shown = shown if len(shown) <= _SHOWN else f"{shown[:_SHOWN]}…"
    raise UnreadableFileError(
        f"{path}: line {line}: {fault.problem}.\nFound: {shown}\n{fault.remedy}"
    )
