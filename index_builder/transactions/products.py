"""Products: the name and the taxonomy of each item."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import polars as pl

from index_builder.transactions.categories import MORE, with_several_categories
from index_builder.transactions.doubts import note_ids
from index_builder.transactions.errors import DuplicateItemError, PriceError
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Notice, Table, Wanted, read_tables
from service.support.validity import SPACES

TAXONOMY = ("department", "category", "subcategory")
COLUMNS = ("item_id", "name", *TAXONOMY)
OPTIONAL_COLUMNS = ("brand", "price", "group_id")  # for business rules, and variants
_NAMES = (*TAXONOMY, "brand", "group_id")  # what requests and business rules refer to, and groups


def read_products(path: Path, reading: Reading | None = None) -> pl.DataFrame:
    """Reads and validates a shop's products.

    Args:
        path: a Parquet or CSV file, or a folder of them, with the columns item_id, name,
            department, category, subcategory. The last three may be empty. Optional are brand,
            price and group_id, which variants of one product share.
        reading: what is known of the data.

    Returns:
        The five columns as strings without nulls, sorted by item_id: a missing name becomes the
        item_id, a missing level of the taxonomy the empty string. Also brand and group_id (a
        missing one becomes the empty string) and price (Float64, may be null), if the file has
        them, and more_categories (see `with_several_categories`), if an item has several.

    Raises:
        DataError: the file cannot be used; see `index_builder.transactions.errors`.
    """
    return read_noted_products(path, reading)[0]


def read_noted_products(
    path: Path, reading: Reading | None = None
) -> tuple[pl.DataFrame, tuple[Notice, ...]]:
    """As `read_products`, with notices of rows that are doubtful."""
    reading = reading or Reading()
    check = partial(_check, missing=reading.missing)
    table = read_tables(path, Wanted(COLUMNS, OPTIONAL_COLUMNS, reading.format), check)
    return products_of(table), tuple(
        replace(notice, text=f"products: {notice.text}") for notice in table.notices
    )


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
    names = [name for name in _NAMES if name in rows.columns]
    name = pl.col("name").str.strip_chars(SPACES)
    return rows.select(
        pl.col("item_id"),
        pl.when(name != "").then(name).otherwise("item_id").alias("name"),
        pl.col(names).str.strip_chars(SPACES).fill_null(""),
        *([pl.col(MORE).fill_null("")] if MORE in rows.columns else []),
        *(["price"] if "price" in rows.columns else []),
    ).sort("item_id")


def _check(table: Table, missing: frozenset[str] | None) -> Table:
    table = table.with_missing(missing, "name", *_NAMES, "price")
    table = with_several_categories(table)
    names = [name for name in _NAMES if name in table.frame.columns]
    table = table.with_strings("name").with_names(*names).with_ids("item_id")
    table = note_ids(table, "item_id")
    table = table.with_numbers("price", PriceError)
    if "price" in table.frame.columns:
        table.refuse_where(
            (table.frame["price"] < 0).fill_null(value=False),
            PriceError,
            "have a price below 0",
            "Leave the price empty where it is unknown.",
        )
    return table
