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
from index_builder.transactions.tables import require_utf8
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
    names = [name for name in manifest.files if name not in (ITEM_CODES, USER_CODES)]
    n_baskets = sum(manifest.files[name] for name in names)
    _check_sizes(folder, manifest)
    digests = Digests()
    item_ids, user_ids = (
        pl.concat(
            [pl.Series("id", [], pl.String)]
            + [_series(batch["id"]) for batch in _batches(folder, [name], digests)]
        )
        for name in (ITEM_CODES, USER_CODES)
    )
    batches = _batches(folder, names, digests)
    baskets = _filled(batches, n_baskets, manifest.summary.rows_kept)
    found = digests.hexadecimal()
    for column in sorted(found.keys() | manifest.digests.keys()):
        expected, there = (each.get(column, "none") for each in (manifest.digests, found))
        if there != expected:
            raise EncodedTablesError(
                f"{folder}: column {column}: expected values with the digest {expected}, "
                f"found {there}.\n{REMEDY}"
            )
    if wrong := _contradiction(baskets, len(item_ids), len(user_ids)):
        raise EncodedTablesError(f"{folder}: expected {wrong}.\n{REMEDY}")
    return EncodedTables(item_ids, user_ids, baskets, manifest.read_summary())


def _check_sizes(folder: Path, manifest: EncodedManifest) -> None:
    """Refuses files that hold more or less than the manifest says, before room is made for it."""
    n_lines = 0
    for name, rows in manifest.files.items():
        with _readable(folder / name) as file:
            if file.metadata.num_rows != rows:
                raise EncodedTablesError(
                    f"{folder / name}: expected {rows:,} rows, "
                    f"found {file.metadata.num_rows:,}.\n{REMEDY}"
                )
            groups = map(file.metadata.row_group, range(file.num_row_groups))
            columns = (group.column(at) for group in groups for at in range(group.num_columns))
            n_lines += sum(
                each.num_values for each in columns if each.path_in_schema.startswith("items.")
            )
    if n_lines != (expected := manifest.summary.rows_kept):
        raise EncodedTablesError(
            f"{folder}: expected {expected:,} items in baskets, found {n_lines:,}.\n{REMEDY}"
        )


def _batches(folder: Path, names: list[str], digests: Digests) -> Iterator[pa.Table]:
    """Yields the rows of some files, and adds them to the digests."""
    for name in names:
        part = name.removesuffix(".parquet").partition("-")[0]
        schema = BASKETS_SCHEMA if part == "baskets" else CODES_SCHEMA
        with _readable(folder / name) as file:
            if missing := set(schema.names).difference(file.schema_arrow.names):
                raise EncodedTablesError(f"{folder / name}: no column {min(missing)!r}.\n{REMEDY}")
            digests.add(part, pa.Table.from_batches([], schema))
            for batch in file.iter_batches(_BATCH_ROWS, columns=schema.names):
                table = pa.Table.from_batches([batch]).select(schema.names).cast(schema)
                for column in schema.names:
                    if _has_nulls(table[column]):
                        raise EncodedTablesError(
                            f"{folder / name}: column {column}: expected a value everywhere.\n"
                            f"{REMEDY}"
                        )
                digests.add(part, table)
                yield table


def _has_nulls(column: pa.ChunkedArray) -> bool:
    within = pa.types.is_list(column.type) and pc.list_flatten(column).null_count > 0
    return bool(within or column.null_count > 0)


@contextmanager
def _readable(path: Path) -> Iterator[pq.ParquetFile]:
    """Gives a file for as long as the block lasts; what fails there is told as the file's fault."""
    try:
        if path.exists() and not path.is_file():
            raise OSError("not a file")  # a pipe might never end
        with pq.ParquetFile(path) as file:  # read_table() imports pandas
            yield file
    except (OSError, UnicodeError, pa.ArrowException) as error:
        raise EncodedTablesError(f"{path}: not readable as Parquet: {error}\n{REMEDY}") from error


def _contradiction(baskets: CodedBaskets, n_items: int, n_users: int) -> str:
    """Says what is expected of baskets and not so; nothing if all is well."""
    if np.any(np.diff(baskets.begun_us) < 0):
        return "baskets in the order of time"
    if len(baskets) and not -1 <= baskets.user_code.min() <= baskets.user_code.max() < n_users:
        return f"user codes below {n_users:,}"
    if np.any(baskets.sizes < 1):
        return "an item in each basket"
    for block in baskets.blocks():
        steps = np.diff(block.codes)
        steps[(block.indptr[1:-1] - block.indptr[0]) - 1] = 1  # to the next basket
        if block.codes.min() < 0 or block.codes.max() >= n_items or np.any(steps < 1):
            return f"distinct item codes below {n_items:,}, ascending within a basket"
    return ""


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
        UnreadableFileError: its name, or that of a folder above, is not UTF-8.
        OSError: it cannot be written.
    """
    out = out.resolve()  # a link stays, and what it points at is replaced
    require_utf8(out)
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
