"""The layout of one CSV file: what its first lines tell about the others."""

import codecs
import csv
import gzip
import io
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from index_builder.transactions.errors import EmptyDataError, UnreadableFileError
from index_builder.transactions.tables.format import SEPARATORS, Format
from service.support.validity import SPACES

GZIP_MAGIC = b"\x1f\x8b"

_MARKS = (  # the longer ones first: one begins with another
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_EXCEL_LINE = "sep="

csv.field_size_limit(2**31 - 1)  # 131,072 characters by default, and fields may be larger


@dataclass(frozen=True)
class CsvLayout:
    """How one file is written.

    Attributes:
        path: the file.
        packed: whether it is compressed by gzip.
        encoding: of the text.
        separator: of the fields.
        escape: as in `Format`.
        quotes: as in `Format`.
        lines_before: number of lines before the names of the columns.
        names: of the columns, without spaces around them.
    """

    path: Path
    packed: bool
    encoding: str
    separator: str
    escape: str | None
    quotes: bool
    lines_before: int
    names: tuple[str, ...]

    @property
    def dialect(self) -> dict[str, Any]:
        """For `csv.reader`; it is strict: text behind a closing quotation mark is an error."""
        quoting = csv.QUOTE_MINIMAL if self.quotes else csv.QUOTE_NONE
        return {
            "delimiter": self.separator,
            "escapechar": self.escape,
            "quoting": quoting,
            "strict": True,
        }

    @contextmanager
    def opened(self) -> Iterator[TextIO]:
        """Opens the text, with its line ends as they are, at the names of the columns."""
        with opened(self.path, self.packed, self.encoding) as text:
            for _ in range(self.lines_before):
                text.readline()
            yield text


@contextmanager
def opened(path: Path, packed: bool, encoding: str) -> Iterator[TextIO]:
    """Opens a text, with its line ends as they are."""
    with (gzip.open if packed else open)(path, "rb") as raw:
        yield io.TextIOWrapper(raw, encoding=encoding, newline="")


def csv_layout(path: Path, required: Sequence[str], given: Format) -> CsvLayout:
    """Looks at the first lines of a file.

    The separator is the one that is given, or that a first line `sep=;` names, as Excel writes it,
    or the first of `SEPARATORS` that finds all required columns.

    Args:
        path: the file.
        required: names of columns that it must have.
        given: what the caller says of it.

    Raises:
        EmptyDataError: there are no lines.
        UnreadableFileError: the first lines are no text, or those of another kind of file.
    """
    with path.open("rb") as file:
        start = file.read(1 << 12)
    packed = start.startswith(GZIP_MAGIC)
    if packed:
        with gzip.open(path) as unpacked:
            start = unpacked.read(1 << 12)
    encoding = given.encoding or _encoding(path, start)
    with opened(path, packed, encoding) as text:
        lines = [line.lstrip("\ufeff") for line in itertools.islice(text, 100)]
    before = next((row for row, line in enumerate(lines) if line.strip()), len(lines))
    separators: Sequence[str] = [given.separator] if given.separator else SEPARATORS
    if before < len(lines) and (excel := lines[before].strip("\r\n").lower()).startswith("sep="):
        separators = [excel[len(_EXCEL_LINE) :] or "\t"] if not given.separator else separators
        before += 1
    if before >= len(lines):
        raise EmptyDataError(f"{path}: the file is empty.")

    def laid_out(separator: str) -> CsvLayout:
        layout = CsvLayout(
            path, packed, encoding, separator, given.escape, given.quotes, before, ()
        )
        try:
            names = next(csv.reader(lines[before:], **layout.dialect))
        except (csv.Error, StopIteration):  # the marks of the first line are those of no CSV file
            names = lines[before].strip("\r\n").split(separator)
        tidy = tuple(name.strip(SPACES) for name in names)
        return CsvLayout(**(vars(layout) | {"names": tidy}))

    layouts = [laid_out(separator) for separator in separators]
    complete = [each for each in layouts if set(required) <= set(each.names)]
    return complete[0] if complete else max(layouts, key=lambda each: len(each.names))


def _encoding(path: Path, start: bytes) -> str:
    for mark, encoding in _MARKS:
        if start.startswith(mark):
            return encoding
    if start.count(0) > len(start) // 4:
        side = "le" if start[1:2] == b"\0" else "be"
        raise UnreadableFileError(
            f"{path}: line 1: expected text in UTF-8, found many zero bytes.\n"
            f"Read it with --encoding utf-16-{side}, or save it as UTF-8."
        )
    return "utf-8"
