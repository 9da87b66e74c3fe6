"""The world of the tiny bundle one step earlier: the transactions of its shoppers.

40 items in two aisles, even ones in the bakery and odd ones in the garden; 6 users, 3 for each
aisle, who never leave it. Every third day each of them fills a few baskets, over 90 days, so that
the validation slice of a build, the last 15 days, holds enough of them to choose by.
"""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from tests.data.tiny_bundle import AISLES, N_ITEMS, N_USERS

FIRST = datetime.fromisoformat("2017-09-02T09:00")
DAYS = 90
END = FIRST + timedelta(days=DAYS)


def lines(seed: int = 3, days: int = DAYS) -> pl.DataFrame:
    """Return the transactions: user_id, basket_id, item_id, timestamp, one row per purchase."""
    random = np.random.default_rng(seed)
    rows = []
    for visit in range(days * N_USERS * 2 // 3):
        user = visit % N_USERS
        aisle = np.arange(N_ITEMS // 2) * 2 + user // (N_USERS // 2)
        begun = FIRST + timedelta(days=visit * 1.5 / N_USERS)
        appeal = 1 / np.arange(2, N_ITEMS // 2 + 2) ** 0.5
        items = random.choice(aisle, random.integers(5, 9), replace=False, p=appeal / appeal.sum())
        rows += [(f"user-{user}", f"b{visit:04}", f"item-{item}", begun) for item in items]
    schema = ("user_id", "basket_id", "item_id", "timestamp")
    return pl.DataFrame(rows, schema=schema, orient="row")


def products() -> pl.DataFrame:
    """Return the products, named as in the tiny bundle."""
    return pl.DataFrame(
        {
            "item_id": [f"item-{i}" for i in range(N_ITEMS)],
            "name": [f"Thing {i}" for i in range(N_ITEMS)],
            "department": ["SHOP"] * N_ITEMS,
            "category": [AISLES[i % 2] for i in range(N_ITEMS)],
            "subcategory": [""] * N_ITEMS,
        }
    )


def write_shop(directory: Path, table: pl.DataFrame | None = None) -> tuple[Path, Path]:
    """Write both files into a directory; return where the transactions and the products are."""
    transactions, catalogue = directory / "transactions.parquet", directory / "products.csv"
    (lines() if table is None else table).write_parquet(transactions)
    products().write_csv(catalogue)
    return transactions, catalogue
