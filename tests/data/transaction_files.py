"""Files of transactions: what a test spells out, and harmless values for the rest."""

from datetime import datetime
from pathlib import Path

import polars as pl


def naive(text: str) -> datetime:
    """Return the moment, without a timezone."""
    return datetime.fromisoformat(text)


def csv(tmp_path: Path, text: str, name: str = "transactions.csv") -> Path:
    """Write a CSV file."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def parquet(path: Path, **columns: object) -> Path:
    """Write a Parquet file of these columns, the others filled in."""
    path.parent.mkdir(parents=True, exist_ok=True)
    count = max(len(column) for column in columns.values() if isinstance(column, list | pl.Series))
    default = {
        "user_id": ["u"] * count,
        "basket_id": ["b"] * count,
        "item_id": [f"i{row}" for row in range(count)],
        "timestamp": [naive("2017-12-01")] * count,
    }
    pl.DataFrame({**default, **columns}).write_parquet(path)
    return path
