"""A shop of six aisles of ten items: a basket holds items of one aisle, any user visits any aisle.

What was bought before and what sells best says nothing here, what is in the basket says all. The
same shop at random, where a basket holds items of all aisles, can teach nobody anything.
"""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl

from index_builder.transactions.transactions import Transactions, read_transactions

N_AISLES, AISLE, N_USERS = 6, 10, 12
FIRST = datetime.fromisoformat("2017-09-02T09:00")


def lines(at_random: bool, seed: int = 1, days: int = 90) -> pl.DataFrame:
    """Return the transactions, one row per purchase; four baskets of six items a day."""
    random = np.random.default_rng(seed)
    rows = []
    for visit in range(4 * days):
        aisle = AISLE * random.integers(N_AISLES) + np.arange(AISLE)
        shelf = np.arange(N_AISLES * AISLE) if at_random else aisle
        user, begun = random.integers(N_USERS), FIRST + timedelta(days=visit / 4)
        items = random.choice(shelf, 6, replace=False)
        rows += [(f"user-{user}", f"b{visit:04}", f"item-{item}", begun) for item in items]
    schema = ("user_id", "basket_id", "item_id", "timestamp")
    return pl.DataFrame(rows, schema=schema, orient="row")


def shop(directory: Path, at_random: bool, days: int = 90) -> Transactions:
    """Write the transactions into a directory and read them."""
    lines(at_random, days=days).write_parquet(path := directory / "transactions.parquet")
    return read_transactions(path)
