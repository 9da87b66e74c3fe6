"""Transactions with other lines than those that were read."""

from pathlib import Path

import polars as pl

from index_builder.transactions.tables import Table
from index_builder.transactions.transactions import Transactions, transactions_of


def with_lines(lines: pl.DataFrame) -> Transactions:
    """Return transactions of lines, of the form of `Transactions.lines`."""
    return transactions_of(Table(Path("lines"), lines.rename({"begun_at": "timestamp"})), "lines")
