"""Codes: the distinct ids in the order of their UTF-8 bytes, numbered from 0."""

from collections.abc import Iterable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.encoding.digests import Digests
from index_builder.transactions.encoding.schemas import CODES_SCHEMA


def write_codes(file: Path, ids: Iterable[pl.Series], digests: Digests) -> int:
    """Writes code (int32) and id (string), one row per id.

    Args:
        file: Parquet.
        ids: distinct and in order.
        digests: of the values; they are named after the file.

    Returns:
        The number of ids.
    """
    digests.add(file.stem, pa.Table.from_batches([], CODES_SCHEMA))  # there may be no ids
    n_codes = 0
    with pq.ParquetWriter(file, CODES_SCHEMA, compression="zstd") as writer:
        for some in ids:
            codes = pl.int_range(n_codes, n_codes + len(some), dtype=pl.Int32, eager=True)
            table = pl.DataFrame({"code": codes, "id": some}).to_arrow().cast(CODES_SCHEMA)
            writer.write_table(table)
            digests.add(file.stem, table)
            n_codes += len(some)
    return n_codes
