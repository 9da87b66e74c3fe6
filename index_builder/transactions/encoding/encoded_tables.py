"""Encoded tables: read with all their values checked, and written beside their final name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.encoding.digests import Digests
from index_builder.transactions.encoding.manifest import MANIFEST, read_manifest
from index_builder.transactions.errors import EncodedTablesError
from index_builder.transactions.read_summary import ReadSummary

_REMEDY = "The files are not those that were written: run rtt2vec-build encode again."


@dataclass(frozen=True)
class EncodedTables:
    """The tables of a folder.

    Attributes:
        item_ids: by code.
        user_ids: by code.
        baskets: place (int64, from 0), begun_us (int64, microseconds since 1970, UTC), user_code
            (int32, -1 for a guest), items (lists of int32, distinct and ascending); ordered by the
            moment and by basket_id.
        summary: of what was read.
    """

    item_ids: pl.Series
    user_ids: pl.Series
    baskets: pl.DataFrame
    summary: ReadSummary


def read_encoded_tables(folder: Path) -> EncodedTables:
    """Reads the tables of a folder.

    Raises:
        EncodedTablesError: a file is missing or damaged, or is not the one that was written.
    """
    manifest = read_manifest(folder)
    digests = Digests()
    parts: dict[str, list[pa.Table]] = {}
    for name, rows in manifest.files.items():
        try:
            with pq.ParquetFile(folder / name) as file:  # read_table() imports pandas
                table = file.read()
        except (OSError, pa.ArrowException) as error:
            raise EncodedTablesError(
                f"{folder / name}: not readable as Parquet: {error}"
            ) from error
        if table.num_rows != rows:
            raise EncodedTablesError(
                f"{folder / name}: expected {rows:,} rows, found {table.num_rows:,}.\n{_REMEDY}"
            )
        part = name.removesuffix(".parquet").partition("-")[0]
        digests.add(part, table)
        parts.setdefault(part, []).append(table)
    found = digests.hexadecimal()
    for column, expected in manifest.digests.items():
        if found.get(column) != expected:
            raise EncodedTablesError(
                f"{folder}: column {column}: expected values with the digest {expected}, "
                f"found {found.get(column, 'none')}.\n{_REMEDY}"
            )
    item_codes, user_codes, baskets = (
        pl.DataFrame(pl.from_arrow(pa.concat_tables(parts[name])))
        for name in ("item_codes", "user_codes", "baskets")
    )
    return EncodedTables(item_codes["id"], user_codes["id"], baskets, manifest.read_summary())


@contextmanager
def replacing_tables(out: Path) -> Iterator[tuple[Path, Path]]:
    """Yields a folder for tables, and one for temporary files; the first then becomes `out`.

    If the block fails, `out` stays as it was.

    Raises:
        EncodedTablesError: there is something else at `out`.
        OSError: it cannot be written.
    """
    if out.exists() and not (out / MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise EncodedTablesError(
            f"{out}: expected encoded tables or nothing, found something else.\n"
            "Name another folder with --out."
        )
    parent = out.resolve().parent
    parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=parent, prefix=f".{out.name}-") as work:
        tables = Path(work) / "tables"
        tables.mkdir()
        yield tables, Path(work)
        if out.exists():
            out.rename(Path(work) / "old")
        tables.rename(out)
