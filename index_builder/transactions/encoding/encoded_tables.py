"""Encoded tables: read with all their values checked, and written beside their final name."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from index_builder.transactions.encoded.coded_baskets import CodedBaskets
from index_builder.transactions.encoded.scratch import scratch
from index_builder.transactions.encoding.digests import Digests
from index_builder.transactions.encoding.manifest import (
    MANIFEST,
    REMEDY,
    EncodedManifest,
    read_manifest,
)
from index_builder.transactions.encoding.schemas import (
    BASKETS_SCHEMA,
    CODES_SCHEMA,
    ITEM_CODES,
    USER_CODES,
)
from index_builder.transactions.errors import EncodedTablesError
from index_builder.transactions.read_summary import ReadSummary
from service.bundle.publishing import staging
from service.support.files import locked

_BATCH_ROWS = 1 << 17
_STAGED = ".encoding-"  # of temporary names


@dataclass(frozen=True, eq=False)
class EncodedTables:
    """The tables of a folder.

    Attributes:
        item_ids: by code.
        user_ids: by code.
        baskets: by these codes.
        summary: of what was read.
    """

    item_ids: pl.Series
    user_ids: pl.Series
    baskets: CodedBaskets
    summary: ReadSummary


def read_encoded_tables(folder: Path) -> EncodedTables:
    """Reads the tables of a folder, some rows at a time.

    Raises:
        EncodedTablesError: a file is missing or damaged, or is not the one that was written.
    """
    manifest = read_manifest(folder)
    digests = Digests()
    item_ids, user_ids = (
        pl.concat(
            [pl.Series("id", [], pl.String)]
            + [_series(batch["id"]) for batch in _batches(folder, manifest, [name], digests)]
        )
        for name in (ITEM_CODES, USER_CODES)
    )
    names = [name for name in manifest.files if name not in (ITEM_CODES, USER_CODES)]
    batches = _batches(folder, manifest, names, digests)
    n_baskets = sum(manifest.files[name] for name in names)
    baskets = _filled(batches, n_baskets, manifest.summary.rows_kept)
    found = digests.hexadecimal()
    for column, expected in manifest.digests.items():
        if found.get(column) != expected:
            raise EncodedTablesError(
                f"{folder}: column {column}: expected values with the digest {expected}, "
                f"found {found.get(column, 'none')}.\n{REMEDY}"
            )
    return EncodedTables(item_ids, user_ids, baskets, manifest.read_summary())


def _batches(
    folder: Path, manifest: EncodedManifest, names: list[str], digests: Digests
) -> Iterator[pa.Table]:
    """Yields the rows of some files, and adds them to the digests."""
    for name in names:
        part, rows = name.removesuffix(".parquet").partition("-")[0], manifest.files[name]
        try:
            with pq.ParquetFile(folder / name) as file:  # read_table() imports pandas
                if file.metadata.num_rows != rows:
                    raise EncodedTablesError(
                        f"{folder / name}: expected {rows:,} rows, "
                        f"found {file.metadata.num_rows:,}.\n{REMEDY}"
                    )
                schema = BASKETS_SCHEMA if part == "baskets" else CODES_SCHEMA
                if missing := set(schema.names).difference(file.schema_arrow.names):
                    raise EncodedTablesError(
                        f"{folder / name}: no column {min(missing)!r}.\n{REMEDY}"
                    )
                digests.add(part, pa.Table.from_batches([], schema))
                for batch in file.iter_batches(_BATCH_ROWS, columns=schema.names):
                    table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
                    digests.add(part, table)
                    yield table
        except (OSError, UnicodeError, pa.ArrowException) as error:
            raise EncodedTablesError(
                f"{folder / name}: not readable as Parquet: {error}\n{REMEDY}"
            ) from error


def _filled(batches: Iterator[pa.Table], n_baskets: int, n_lines: int) -> CodedBaskets:
    """Puts baskets into arrays; what does not fit into them is not what was written."""
    begun, user = scratch(n_baskets, np.int64), scratch(n_baskets, np.int32)
    indptr, items = scratch(n_baskets + 1, np.int64), scratch(n_lines, np.int32)
    first = filled = 0
    for batch in batches:
        lists = batch["items"].combine_chunks()
        sizes, codes = _numbers(pc.list_value_length(lists)), _numbers(lists.flatten())
        end, lines_end = first + len(sizes), filled + len(codes)
        if lines_end > n_lines:
            raise EncodedTablesError(f"expected {n_lines:,} items, found more.\n{REMEDY}")
        begun[first:end] = _numbers(batch["begun_us"])
        user[first:end] = _numbers(batch["user_code"])
        indptr[first + 1 : end + 1] = filled + np.cumsum(sizes, dtype=np.int64)
        items[filled:lines_end] = codes
        first, filled = end, lines_end
    return CodedBaskets(begun, user, indptr, items[:filled])


def _series(column: pa.ChunkedArray) -> pl.Series:
    return pl.Series(pl.from_arrow(column))


def _numbers(column: pa.Array | pa.ChunkedArray) -> npt.NDArray[Any]:
    return pl.Series(pl.from_arrow(column)).to_numpy()  # Arrow's own would import pandas


@contextmanager
def replacing_tables(out: Path) -> Iterator[tuple[Path, Path]]:
    """Yields a folder for tables, and one for temporary files; the first then becomes `out`.

    If the block fails, `out` stays as it was. What killed encodings left beside it is removed, and
    tables that one of them had moved out of the way are put back.

    Raises:
        EncodedTablesError: there is something else at `out`.
        OSError: it cannot be written.
    """
    out = out.resolve()  # a link stays, and what it points at is replaced
    if out.is_mount() or out == Path.cwd():
        what = "a mounted file system" if out.is_mount() else "the working directory"
        raise EncodedTablesError(
            f"{out}: expected a folder that can be replaced, found {what}.\n"
            "Name a folder inside of it with --out."
        )
    if out.exists() and not (out / MANIFEST).is_file() and (out.is_file() or any(out.iterdir())):
        raise EncodedTablesError(
            f"{out}: expected encoded tables or nothing, found something else.\n"
            "Name another folder with --out."
        )
    with staging(out.parent, _STAGED) as work:
        tables, before = work / "tables", out.with_name(f".{out.name}-before")
        tables.mkdir()
        with locked(out.parent):
            _settle(before, out, work)
        yield tables, work
        with locked(out.parent):  # of two encodings, the later one stays
            _settle(before, out, work)
            try:
                if out.exists():
                    out.rename(before)
                tables.rename(out)
            finally:
                _settle(before, out, work)


def _settle(before: Path, out: Path, work: Path) -> None:
    """Puts back tables that were moved away, or has them removed if others took their place.

    A folder cannot take the place of another in one step, and a process may be killed between two.
    """
    if before.exists():
        before.rename(mkdtemp(dir=work) if out.exists() else out)
