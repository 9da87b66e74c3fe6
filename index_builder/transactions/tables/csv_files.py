"""CSV files, read by Arrow, which takes a quotation mark inside an unquoted field for data."""

import io
import re
from collections.abc import Sequence

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.tables.csv_layout import CsvLayout
from index_builder.transactions.tables.csv_records import count_records, refuse_first_fault
from index_builder.transactions.tables.texts import open_text, refusing_what_is_no_text

_BLOCKS = (1 << 23, 1 << 30)  # bytes parsed at once; a record must fit into a block


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
    with refusing_what_is_no_text(layout.path, layout.kind.encoding):
        expected, blank = count_records(layout)
        if expected == 0:
            return pl.DataFrame(schema=dict.fromkeys(columns, pl.String)), blank
        try:
            frame = _read(layout, [layout.names.index(name) for name in columns])
        except pa.ArrowInvalid as error:
            refuse_first_fault(layout)
            raise UnreadableFileError(f"{layout.path}: not readable as CSV: {error}") from error
        if frame.height != expected:
            refuse_first_fault(layout)
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
        compression = "gzip" if layout.kind.packed else None
        encoding = layout.kind.encoding.removesuffix("-sig")
        return pa.input_stream(str(layout.path), compression=compression), encoding
    with open_text(layout.path, layout.kind) as text:
        content = text.read()
    # MySQL's NULL: what reads the escape would leave an N of it.
    escape, separator = re.escape(layout.escape), re.escape(layout.separator)
    null = rf"(?<![^{separator}\r\n]){escape}N(?![^{separator}\r\n])"
    return io.BytesIO(re.sub(null, "", content).encode()), "utf8"
