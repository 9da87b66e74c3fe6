"""A large shop: copies of the demo's households, written without holding more than one of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq

from index_builder.transactions.datasets import completejourney

__all__ = ["write_lines", "write_products"]

_SCHEMA = pa.schema(
    {
        "user_id": pa.string(),
        "basket_id": pa.string(),
        "item_id": pa.string(),
        "timestamp": pa.timestamp("us"),
    }
)


def write_lines(file: Path, copies: int, random_ids: bool) -> int:
    """Writes the demo's lines so many times, as one Parquet or CSV file.

    Args:
        file: its suffix says how it is written; in CSV, every field stands in quotation marks.
        copies: each has users and baskets of its own, and the items of all.
        random_ids: whether ids are 32 random digits, which compress worse; otherwise they are those
            of the demo, with the number of the copy behind them.

    Returns:
        The number of lines.
    """
    lines = completejourney.read_lines().frame.select(_SCHEMA.names)
    lines = lines.with_columns(pl.col("timestamp").dt.replace_time_zone(None))
    if random_ids:
        lines = lines.with_columns(_random("item_id", lines["item_id"], ""))
    with (
        pc.CSVWriter(str(file), _SCHEMA, write_options=pc.WriteOptions(quoting_style="all_valid"))
        if file.suffix == ".csv"
        else pq.ParquetWriter(file, _SCHEMA)
    ) as writer:
        for table in _copies(lines, copies, random_ids):
            writer.write_table(table)
    return lines.height * copies


def write_products(file: Path, random_ids: bool) -> None:
    """Writes the products of these lines, as Parquet."""
    products = completejourney.read_products()
    if random_ids:
        products = products.with_columns(_random("item_id", products["item_id"], ""))
    products.sort("item_id").write_parquet(file)


def _copies(lines: pl.DataFrame, copies: int, random_ids: bool) -> Iterator[pa.Table]:
    for copy in range(copies):
        columns = [
            _random(name, lines[name], f"-{copy}") if random_ids else pl.col(name) + f"-{copy}"
            for name in ("user_id", "basket_id")
        ]
        yield lines.with_columns(columns).to_arrow().cast(_SCHEMA)


def _random(name: str, ids: pl.Series, suffix: str) -> pl.Series:
    """32 hexadecimal digits for each id, the same for the same id."""
    distinct = ids.unique()
    digits = [
        hashlib.blake2b(f"{each}{suffix}".encode(), digest_size=16).hexdigest() for each in distinct
    ]
    return ids.replace_strict(distinct, digits, return_dtype=pl.String).alias(name)
