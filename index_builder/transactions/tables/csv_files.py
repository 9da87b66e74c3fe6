"""CSV files, read by Arrow, which takes a quotation mark inside an unquoted field for data."""

import io
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.tables.csv_layout import CsvLayout
from index_builder.transactions.tables.csv_records import count_records, refuse_first_fault
from index_builder.transactions.tables.texts import open_text, refusing_what_is_no_text

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_BLOCKS = (1 << 23, 1 << 30)  # bytes parsed at once; a record must fit into a block
_TEXT_BLOCK = 1 << 20  # characters


def csv_parts(
    layout: CsvLayout, columns: Sequence[str], rows: int
) -> Iterator[tuple[pl.DataFrame, int]]:
    """Yields the records, as strings; empty fields are null.

    Args:
        layout: of the file.
        columns: names in the file.
        rows: most records of a part.

    Yields:
        Records, and the number of blank lines, which are none: that of the file beside the first
        part, which is empty, and then 0.

    Raises:
        UnreadableFileError: the file is no text, or damaged, or a record is wrong; or the records
            are not as many as another way of counting finds. That is known only behind the last.
    """
    with refusing_what_is_no_text(layout.path, layout.kind.encoding):
        expected, blank = count_records(layout)
        yield pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), blank
        if expected == 0:
            return
        found = 0
        try:
            for frame in _parts(layout, [layout.names.index(name) for name in columns]):
                found += frame.height
                named = frame.rename(dict(zip(frame.columns, columns, strict=True)))
                yield from ((each, 0) for each in named.iter_slices(rows))
        except pa.ArrowInvalid as error:
            refuse_first_fault(layout)
            raise UnreadableFileError(f"{layout.path}: not readable as CSV: {error}") from error
        if found != expected:
            refuse_first_fault(layout)
    if found != expected:
        raise UnreadableFileError(
            f"{layout.path}: read {found:,} rows, but counted {expected:,}.\n"
            "Write the file anew with a quotation mark around every field, and marks inside twice."
        )


def _parts(layout: CsvLayout, places: Sequence[int]) -> Iterator[pl.DataFrame]:
    """Yields the records; if one is larger than a block, those behind it by larger blocks."""
    done = 0
    for block in _BLOCKS:
        skipped = 0
        try:
            for frame in _blocks(layout, places, block):
                rest = frame.slice(max(0, done - skipped))
                skipped += frame.height
                if rest.height:
                    yield rest
                done = max(done, skipped)
        except pa.ArrowInvalid as error:
            if "straddling" not in str(error) or block == _BLOCKS[-1]:
                raise
        else:
            return


def _blocks(layout: CsvLayout, places: Sequence[int], block: int) -> Iterator[pl.DataFrame]:
    names = [str(place) for place in range(len(layout.names))]
    source, encoding = _source(layout)
    batches = pc.open_csv(
        source,
        pc.ReadOptions(
            block_size=block,
            column_names=names,
            skip_rows=layout.lines_before,
            skip_rows_after_names=1,
            encoding=encoding,
        ),
        pc.ParseOptions(
            delimiter=layout.separator,
            quote_char='"' if layout.quotes else False,
            escape_char=layout.escape or False,
            newlines_in_values=layout.quotes or layout.escape is not None,
        ),
        pc.ConvertOptions(
            # All are strings: a parser that guesses types turns id 007 into 7.
            column_types=dict.fromkeys(names, pa.string()),
            include_columns=[names[place] for place in places],
            null_values=[""],
            strings_can_be_null=True,
        ),
    )
    for batch in batches:
        yield pl.DataFrame(pl.from_arrow(batch))


def _source(layout: CsvLayout) -> tuple[pa.NativeFile | io.RawIOBase, str]:
    """The bytes, and their encoding."""
    if layout.escape is None:
        compression = "gzip" if layout.kind.packed else None
        encoding = layout.kind.encoding.removesuffix("-sig")
        return pa.input_stream(str(layout.path), compression=compression), encoding
    return _Blocks(_without_nulls(layout)), "utf8"


def _without_nulls(layout: CsvLayout) -> Iterator[bytes]:
    r"""Yields the text without `\N`, MySQL's NULL: what reads the escape would leave an N of it."""
    escape, separator = re.escape(layout.escape or ""), re.escape(layout.separator)
    null = re.compile(rf"(?<![^{separator}\r\n]){escape}N(?![^{separator}\r\n])")
    with open_text(layout.path, layout.kind) as text:
        while block := text.read(_TEXT_BLOCK) + text.readline():
            yield null.sub("", block).encode()


class _Blocks(io.RawIOBase):
    """A file of which the blocks are made while it is read."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks, self._rest = blocks, memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        """Fills a buffer, or a part of it; 0 at the end."""
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        room = memoryview(buffer).cast("B")
        size = min(len(room), len(self._rest))
        room[:size], self._rest = self._rest[:size], self._rest[size:]
        return size
