"""The Instacart Online Grocery Shopping Dataset 2017: 3.4 million orders of 206,000 users.

The public CSV files hold no dates, only each order's number, weekday, hour and the days since the
user's previous order. `read` puts the orders on a calendar that allows a split through time:

- Every user's last order falls on its weekday and hour in one common week, which begins at
  `FINAL_WEEK`. The orders before it lie as many days back as the file says. The file caps a gap at
  30 days; such a gap is extended to the next day with the order's weekday.
- So `until=FINAL_WEEK` trains on the earlier orders of each user, and tests on the last one (and on
  others in that week). No later order of a user can reach training, and every user is equally close
  to the cut. If the calendar began on a common first day instead, the late baskets would all be
  those of the most frequent users.
- The calendar has no season and no trend: the days of different users are not comparable.

The last orders of 75,000 users (eval_set "test") were published without their products. They keep
their place in the calendar, so that the week tests on the orders of eval_set "train", as the
competition did.

Orders are in memory, lines only by parts of a file: 3.2 million generated lines of the same form
take 5.5 s of processor time and 0.5 GB. The data set has 33.8 million.
"""

from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path

import polars as pl

from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.errors import BadRowsError, MissingDatasetError
from index_builder.transactions.products import products_of
from index_builder.transactions.tables import (
    ROW,
    Table,
    Wanted,
    open_file,
    read_parts,
    read_tables,
    whole_table,
)
from index_builder.transactions.transactions import Transactions, collected

NAME = "Instacart 2017"
FILES = (
    "orders.csv",
    "order_products__prior.csv",
    "order_products__train.csv",
    "products.csv",
    "aisles.csv",
    "departments.csv",
)
FINAL_WEEK = datetime.fromisoformat("2017-12-23")  # a Saturday, which is order_dow 0
LONGEST_GAP = 30  # days; also stands for longer gaps
_LINES_AT_ONCE = 1 << 20


def read(folder: Path) -> tuple[Transactions, pl.DataFrame]:
    """Reads transactions and products from the folder with the six CSV files.

    Raises:
        MissingDatasetError: files are missing.
        DataError: a file cannot be used; see `index_builder.transactions.errors`.
    """
    return collected(partial(read_lines, folder), NAME), _products(folder)


def read_lines(folder: Path, lines: CheckedLines) -> Table:
    """Reads the lines of all orders, a part of a file at a time.

    Args:
        folder: with the six CSV files.
        lines: take the rows.

    Returns:
        What is known of the lines, with the first rows alone.

    Raises:
        MissingDatasetError: files are missing.
        DataError: a file cannot be used; see `index_builder.transactions.errors`.
    """
    missing = [name for name in FILES if not (folder / name).is_file()]
    if missing:
        raise MissingDatasetError(
            f"{folder}: no {', '.join(missing)}.\n"
            "Unpack all files of the Instacart Online Grocery Shopping Dataset 2017 there."
        )
    orders = _on_calendar(_orders(folder / "orders.csv"))
    names = ("order_products__prior.csv", "order_products__train.csv")
    return whole_table(folder, [_purchases(folder / name, orders, lines) for name in names])


def _purchases(path: Path, orders: pl.DataFrame, lines: CheckedLines) -> Table:
    """Reads the lines of one file, which may have none."""

    def check(table: Table) -> Table:
        rows = _with_all_ids(table)
        known = rows.frame.join(orders, on="order_id").sort(ROW)
        is_unknown = ~rows.frame[ROW].is_in(known[ROW].implode())
        renamed = known.rename({"order_id": "basket_id", "product_id": "item_id"})
        return replace(rows.without(is_unknown, "lines of unknown orders"), frame=renamed)

    lines.begin_file()
    file = open_file(path, Wanted(("order_id", "product_id")))
    return read_parts(file, _LINES_AT_ONCE, check, lines.add)


def _products(folder: Path) -> pl.DataFrame:
    products, aisles, departments = (
        read_tables(folder / name, Wanted(columns), _with_all_ids).frame.select(columns)
        for name, columns in (
            ("products.csv", ("product_id", "product_name", "aisle_id", "department_id")),
            ("aisles.csv", ("aisle_id", "aisle")),
            ("departments.csv", ("department_id", "department")),
        )
    )
    rows = products.join(aisles, on="aisle_id", how="left").join(
        departments, on="department_id", how="left"
    )
    described = rows.select(
        pl.col("product_id").alias("item_id"),
        pl.col("product_name").alias("name"),
        pl.col("department"),
        pl.col("aisle").alias("category"),
        subcategory=pl.lit(""),
    )
    return products_of(Table(folder / "products.csv", described))


def _orders(file: Path) -> pl.DataFrame:
    """order_id, user_id (strings), number, weekday (0 to 6), hour, gap (days, 0 for the first)."""
    numeric = ("order_number", "order_dow", "order_hour_of_day", "days_since_prior_order")
    table = read_tables(file, Wanted(("order_id", "user_id", *numeric)), _with_all_ids)
    numbers = table.frame.with_columns(
        # A first order has no order before it.
        pl.col("days_since_prior_order").fill_null("0"),
    ).with_columns(pl.col(numeric).cast(pl.Float64, strict=False).cast(pl.Int64))
    for column in numeric:
        table.refuse_where(
            numbers[column].is_null(),
            BadRowsError,
            f"have no number in {column}",
            "Take the file as it was published.",
        )
    table.refuse_where(
        numbers["order_id"].is_duplicated(),
        BadRowsError,
        "share their order_id with another row",
        "Take the file as it was published.",
    )
    return numbers.select(
        "order_id",
        "user_id",
        number=pl.col("order_number"),
        weekday=pl.col("order_dow"),
        hour=pl.col("order_hour_of_day"),
        gap=pl.col("days_since_prior_order"),
    )


def _on_calendar(orders: pl.DataFrame) -> pl.DataFrame:
    """Gives every order its timestamp, as the module's docstring describes.

    Returns:
        order_id, user_id, timestamp: Datetime("us"), ascending with each user's order numbers.
    """
    step = pl.col("weekday").diff().over("user_id").fill_null(0)
    stretched = LONGEST_GAP + (step - LONGEST_GAP) % 7
    gap = pl.when(pl.col("gap") >= LONGEST_GAP).then(stretched).otherwise("gap")
    day = pl.col("day")
    last_weekday = pl.col("weekday").last().over("user_id")
    days_back = day.last().over("user_id") - day
    moment = (
        pl.lit(FINAL_WEEK)
        + pl.duration(days=last_weekday - days_back)
        + pl.duration(hours=pl.col("hour"))
    )
    # Orders of one day keep the order of their numbers, also where their hours do not.
    return (
        orders.sort("user_id", "number")
        .with_columns(day=gap.cum_sum().over("user_id"))
        .with_columns(timestamp=moment.cum_max().over("user_id"))
        .select(
            "order_id",
            "user_id",
            timestamp=pl.col("timestamp") + pl.duration(seconds=pl.col("number")),
        )
    )


def _with_all_ids(table: Table) -> Table:
    names = [name for name in table.frame.columns if name.endswith("_id")]
    return table.with_ids(*names)
