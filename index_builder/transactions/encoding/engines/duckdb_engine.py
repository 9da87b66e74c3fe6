"""DuckDB: in this process; what does not fit into memory goes to the disk."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import polars as pl

from index_builder.transactions.errors import EngineError

_BATCH_ROWS = 1 << 17


class DuckDbEngine:
    """An `Engine`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def relation(self, name: str, files: Sequence[Path]) -> None:
        """Gives files a name."""
        found = self._connection.read_parquet([str(file) for file in files])
        found.create_view(name, replace=True)

    def view(self, name: str, sql: str) -> None:
        """Gives the result of a statement a name."""
        self._connection.execute(f"CREATE OR REPLACE VIEW {name} AS {sql}")

    def batches(self, sql: str, _by: str | None = None, /) -> Iterator[pl.DataFrame]:
        """Yields the result of a statement, which the engine divides itself."""
        # A cursor of its own: another statement on the same would end this result.
        with self._connection.cursor() as cursor:
            try:
                for batch in cursor.sql(sql).to_arrow_reader(_BATCH_ROWS):
                    yield pl.DataFrame(pl.from_arrow(batch))
            except duckdb.OperationalError as error:
                raise EngineError(f"DuckDB: {error}") from error


@contextmanager
def duckdb_engine(folder: Path) -> Iterator[DuckDbEngine]:
    """Opens a database in memory that spills into the folder."""
    with duckdb.connect(
        config={"temp_directory": str(folder), "preserve_insertion_order": False}
    ) as connection:
        yield DuckDbEngine(connection)
