"""polars: in this process, by its streaming engine."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

PART_ROWS = 1 << 25  # that are joined or grouped at once, some more or less


class PolarsEngine:
    """An `Engine`."""

    def __init__(self) -> None:
        self._relations: dict[str, list[Path]] = {}
        self._views: dict[str, str] = {}

    def relation(self, name: str, files: Sequence[Path]) -> None:
        """Gives files a name."""
        self._relations[name] = list(files)

    def view(self, name: str, sql: str) -> None:
        """Gives the result of a statement a name."""
        self._views[name] = sql

    def batches(self, sql: str, by: str | None = None, /) -> Iterator[pl.DataFrame]:
        """Yields the result of a statement."""
        # polars does not spill: what does not fit is joined or grouped a part at a time.
        n_parts = 1 if by is None else -(-self._most_rows() // PART_ROWS)
        ordered = "ORDER BY" in sql
        for part in range(n_parts):
            lazy = self._context(by if n_parts > 1 else None, part, n_parts).execute(sql)
            yield from lazy.collect_batches(engine="streaming", maintain_order=ordered)

    def _most_rows(self) -> int:
        """Those of the largest relation."""
        rows: list[int] = [
            sum(pq.read_metadata(file).num_rows for file in files)
            for files in self._relations.values()
        ]
        return max(rows)

    def _context(self, by: str | None, part: int, n_parts: int) -> pl.SQLContext[pl.LazyFrame]:
        """All names; relations that have the column `by`, with one part of its values alone."""
        context = pl.SQLContext[pl.LazyFrame](eager=False)
        for name, files in self._relations.items():
            rows = pl.scan_parquet(files, glob=False)
            if by is not None and by in rows.collect_schema():
                rows = rows.filter(pl.col(by).hash() % n_parts == part)
            context.register(name, rows)
        for name, sql in self._views.items():
            context.register(name, context.execute(sql))
        return context
