"""Products: what an item is called and where it stands in the shop."""

from pathlib import Path

import polars as pl

from index_builder._tables import Table, read_tables
from index_builder.data_errors import DuplicateItemError

TAXONOMY = ("department", "category", "subcategory")
COLUMNS = ("item_id", "name", *TAXONOMY)


def read_products(path: Path) -> pl.DataFrame:
    """Reads and validates a shop's products.

    Args:
        path: a Parquet or CSV file, or a folder of them, with the columns item_id, name,
            department, category, subcategory. The last three may be empty.

    Returns:
        The five columns as strings without nulls, sorted by item_id: a missing name is the
        item_id, a missing level of the taxonomy the empty string.

    Raises:
        DataError: the file cannot be used; see `index_builder.data_errors`.
    """
    return products_of(read_tables(path, COLUMNS, (), _check))


def products_of(table: Table) -> pl.DataFrame:
    """Brings product rows to the form that `read_products` returns.

    Raises:
        DuplicateItemError: two rows have the same item_id.
    """
    rows = table.frame
    table.refuse_where(
        rows["item_id"].is_duplicated(),
        DuplicateItemError,
        "share their item_id with another row",
        "Keep one row per item_id.",
    )
    name = pl.col("name").str.strip_chars()
    return rows.select(
        pl.col("item_id"),
        pl.when(name != "").then(name).otherwise("item_id").alias("name"),
        pl.col(TAXONOMY).str.strip_chars().fill_null(""),
    ).sort("item_id")


def _check(table: Table) -> Table:
    return table.with_strings("name", *TAXONOMY).with_ids("item_id")
