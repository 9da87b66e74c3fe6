"""CSV files, read by Arrow, which takes a quotation mark inside an unquoted field for data."""

import io
import re
import zlib
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.tables.csv_layout import GZIP_MAGIC, CsvLayout, csv_layout, opened
from index_builder.transactions.tables.csv_records import count_records, refuse_first_fault
from index_builder.transactions.tables.format import Format

_BLOCKS = (1 << 23, 1 << 30)  # bytes parsed at once; a record must fit into a block
_GUESSES = ("cp1252", "latin-1")  # the encodings of most files that are not UTF-8


def lay_out(path: Path, required: Sequence[str], given: Format) -> CsvLayout:
    """As `csv_layout`; bytes that are no text are refused with their line.

    Raises:
        EmptyDataError: there are no lines.
        UnreadableFileError: the file is no text, or damaged.
    """
    try:
        return csv_layout(path, required, given)
    except UnicodeError as error:
        raise _no_text(path, given, error) from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{path}: not readable as CSV: {error}") from error


def read_csv(layout: CsvLayout, columns: Sequence[str]) -> tuple[pl.DataFrame, int]:
    """Reads columns as strings; empty fields are null.

    Args:
        layout: of the file.
        columns: names in the file.

    Returns:
        The records, and the number of blank lines, which are none.

    Raises:
        UnreadableFileError: the file is no text, or damaged, or a record is wrong; or the records
            are not as many as another way of counting finds.
    """
    try:
        expected, blank = count_records(layout)
        frame = _read(layout, [layout.names.index(name) for name in columns])
        if frame.height != expected:
            refuse_first_fault(layout)
    except UnicodeError as error:
        given = Format(encoding=layout.encoding)
        raise _no_text(layout.path, given, error) from error
    except pa.ArrowInvalid as error:
        refuse_first_fault(layout)
        raise UnreadableFileError(f"{layout.path}: not readable as CSV: {error}") from error
    except (OSError, EOFError, zlib.error) as error:
        raise UnreadableFileError(f"{layout.path}: not readable as CSV: {error}") from error
    if frame.height != expected:
        raise UnreadableFileError(
            f"{layout.path}: read {frame.height:,} rows, but counted {expected:,}.\n"
            "Write the file anew with a quotation mark around every field, and marks inside twice."
        )
    return frame.rename(dict(zip(frame.columns, columns, strict=True))), blank


def _read(layout: CsvLayout, places: Sequence[int]) -> pl.DataFrame:
    names = [str(place) for place in range(len(layout.names))]
    wanted = [names[place] for place in places]
    for block in _BLOCKS:
        source, encoding = _source(layout)
        try:
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
                    include_columns=wanted,
                    null_values=[""],
                    strings_can_be_null=True,
                ),
            )
            # Batch by batch, so that the text of both libraries is not in memory at once.
            frames = [pl.DataFrame(pl.from_arrow(batch)) for batch in batches]
        except pa.ArrowInvalid as error:
            if "straddling" in str(error) and block != _BLOCKS[-1]:
                continue
            raise
        return (
            pl.concat(frames) if frames else pl.DataFrame(schema=dict.fromkeys(wanted, pl.String))
        )
    raise AssertionError  # the last block returns or raises


def _source(layout: CsvLayout) -> tuple[pa.NativeFile | io.BytesIO, str]:
    """The bytes, and their encoding."""
    if layout.escape is None:
        compression = "gzip" if layout.packed else None
        encoding = "utf8" if layout.encoding == "utf-8-sig" else layout.encoding
        return pa.input_stream(str(layout.path), compression=compression), encoding
    with opened(layout.path, layout.packed, layout.encoding) as text:
        content = text.read()
    # MySQL's NULL: what reads the escape would leave an N of it.
    escape, separator = re.escape(layout.escape), re.escape(layout.separator)
    null = rf"(?<![^{separator}\r\n]){escape}N(?![^{separator}\r\n])"
    return io.BytesIO(re.sub(null, "", content).encode()), "utf8"


def _no_text(path: Path, given: Format, error: UnicodeError) -> UnreadableFileError:
    """The error for bytes that cannot be decoded, with their line if it can be found."""
    encoding = given.encoding or "utf-8"
    if encoding not in ("utf-8", "utf-8-sig"):
        return UnreadableFileError(
            f"{path}: expected text in {encoding}: {error}\nGive another --encoding."
        )
    number, line = _first_other_line(path)
    guess = next(each for each in _GUESSES if _reads(line, each))
    return UnreadableFileError(
        f"{path}: line {number}: not readable as CSV: expected text in UTF-8, found other bytes.\n"
        f"With --encoding {guess} the line reads: {line.decode(guess)[:200]}\n"
        "If that is right, give this option; if not, another encoding."
    )


def _first_other_line(path: Path) -> tuple[int, bytes]:
    """The number of the first line, from 1, that is not UTF-8, and the line."""
    with opened(path, _is_packed(path), "latin-1") as text:  # which decodes all bytes, one by one
        lines = ((row, line.encode("latin-1").strip(b"\r\n")) for row, line in enumerate(text, 1))
        return next((row, line) for row, line in lines if not _reads(line, "utf-8"))


def _reads(line: bytes, encoding: str) -> bool:
    try:
        line.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _is_packed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(2) == GZIP_MAGIC
