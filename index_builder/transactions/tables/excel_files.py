"""Excel files: the sheets that have the columns; every cell as a string, as from a CSV file."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from index_builder.transactions.errors import UnreadableFileError
from service.support.extras import need
from service.support.validity import SPACES


def read_excel(file: Path, required: Sequence[str]) -> pl.DataFrame:
    """Reads all sheets that have the columns, or else the widest.

    Raises:
        UnreadableFileError: the file is none, or damaged.
        ExtraMissingError: the package is not installed.
    """
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
    widest = max(having or tidy, key=lambda each: each.width, default=pl.DataFrame())
    return pl.concat([widest.head(0), *having], how="diagonal")
