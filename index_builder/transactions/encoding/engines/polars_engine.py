"""polars: in this process, by its streaming engine."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl


class PolarsEngine:
    """An `Engine`."""

    def __init__(self) -> None:
        self._context = pl.SQLContext[pl.LazyFrame](eager=False)

    def relation(self, name: str, files: Sequence[Path]) -> None:
        """Gives files a name."""
        self._context.register(name, pl.scan_parquet(list(files), glob=False))

    def view(self, name: str, sql: str) -> None:
        """Gives the result of a statement a name."""
        self._context.register(name, self._context.execute(sql))

    def batches(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yields the result of a statement."""
        ordered = "ORDER BY" in sql
        lazy = self._context.execute(sql)
        yield from lazy.collect_batches(engine="streaming", maintain_order=ordered)
