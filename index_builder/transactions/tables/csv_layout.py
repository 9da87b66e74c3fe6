"""The layout of one CSV file: what its first lines tell about the others."""

import csv
import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from index_builder.transactions.errors import EmptyDataError
from index_builder.transactions.tables.format import SEPARATORS, Format
from index_builder.transactions.tables.texts import TextKind, open_text, text_kind
from service.support.validity import SPACES

_EXCEL_LINE = "sep="

csv.field_size_limit(2**31 - 1)  # 131,072 characters by default, and fields may be larger


@dataclass(frozen=True)
class CsvLayout:
    """How one file is written.

    Attributes:
        path: the file.
        kind: of its text.
        separator: of the fields.
        escape: as in `Format`.
        quotes: as in `Format`.
        lines_before: number of lines before the names of the columns.
        names: of the columns, without spaces around them.
    """

    path: Path
    kind: TextKind
    separator: str
    escape: str | None
    quotes: bool
    lines_before: int
    names: tuple[str, ...]

    @property
    def dialect(self) -> dict[str, Any]:
        """For `csv.reader`."""
        return strict_dialect(self.separator, self.escape, self.quotes)

    @contextmanager
    def opened(self) -> Iterator[TextIO]:
        """Opens the text, with its line ends as they are, at the names of the columns."""
        with open_text(self.path, self.kind) as text:
            for _ in range(self.lines_before):
                text.readline()
            yield text


def strict_dialect(separator: str, escape: str | None, quotes: bool) -> dict[str, Any]:
    """For `csv.reader`; text behind a closing quotation mark is an error."""
    return {
        "delimiter": separator,
        "escapechar": escape,
        "quoting": csv.QUOTE_MINIMAL if quotes else csv.QUOTE_NONE,
        "strict": True,
    }


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
    kind = text_kind(path, given.encoding)
    with open_text(path, kind) as text:
        lines = [line.lstrip("\ufeff") for line in itertools.islice(text, 100)]
    before = next((row for row, line in enumerate(lines) if line.strip()), len(lines))
    separators: Sequence[str] = [given.separator] if given.separator else SEPARATORS
    if before < len(lines) and (excel := lines[before].strip("\r\n").lower()).startswith("sep="):
        separators = [excel[len(_EXCEL_LINE) :] or "\t"] if not given.separator else separators
        before += 1
    if before >= len(lines):
        raise EmptyDataError(
            f"{path}: the file is empty.\nExpected: a line with the names of the columns. If there "
            "is nothing to tell, remove the file."
        )

    def laid_out(separator: str) -> CsvLayout:
        layout = CsvLayout(path, kind, separator, given.escape, given.quotes, before, ())
        try:
            names = next(csv.reader(lines[before:], **layout.dialect))
        except (csv.Error, StopIteration):  # the marks of the first line are those of no CSV file
            names = lines[before].strip("\r\n").split(separator)
        tidy = tuple(name.strip(SPACES) for name in names)
        return CsvLayout(**(vars(layout) | {"names": tidy}))

    layouts = [laid_out(separator) for separator in separators]
    complete = [each for each in layouts if set(required) <= set(each.names)]
    return complete[0] if complete else max(layouts, key=lambda each: len(each.names))
