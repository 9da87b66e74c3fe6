"""Codes: the distinct ids in the order of their UTF-8 bytes, numbered from 0."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from index_builder.transactions.encoding.digests import Digests

_SCHEMA = pa.schema({"code": pa.int32(), "id": pa.string()})


def write_codes(file: Path, ids: Iterable[pa.Array], digests: Digests) -> int:
    """Writes code (int32) and id (string), one row per id.

    Args:
        file: Parquet.
        ids: distinct and in order.
        digests: of the values; they are named after the file.

    Returns:
        The number of ids.
    """
    n_codes = 0
    with pq.ParquetWriter(file, _SCHEMA, compression="zstd") as writer:
        for some in ids:
            codes = pa.array(np.arange(n_codes, n_codes + len(some), dtype=np.int32))
            table = pa.Table.from_arrays([codes, some.cast(pa.string())], schema=_SCHEMA)
            writer.write_table(table)
            digests.add(file.stem, table)
            n_codes += len(some)
    return n_codes
