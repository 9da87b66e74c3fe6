"""What an engine must be able to do, and which there are."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Protocol, runtime_checkable

import polars as pl
import pyarrow as pa

from service.support.extras import need


class EngineName(StrEnum):
    """The engines that there are."""

    POLARS = "polars"
    DUCKDB = "duckdb"
    SPARK = "spark"


class Engine(Protocol):
    """Runs statements of SQL over Parquet files."""

    def relation(self, name: str, files: Sequence[Path]) -> None:
        """Gives files of one form a name; it replaces what had this name."""

    def view(self, name: str, sql: str) -> None:
        """Gives the result of a statement a name; likewise."""

    def batches(self, sql: str, by: str | None = None, /) -> Iterator[pl.DataFrame]:
        """Yields the result of a statement, in order if it has an ORDER BY.

        Args:
            sql: the statement.
            by: a column of which it joins or groups rows of the same value alone, so that an
                engine may run it for some of the values after the others; without an ORDER BY.

        Raises:
            EngineError: memory or disk are full, or files or a cluster are gone.
            OSError: likewise, of polars.
        """


@runtime_checkable
class Catalogue(Protocol):
    """An engine that knows tables by name, those of Hive, say."""

    def rows(self, table: str, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
        """Yields the rows of a table, with all its columns; those not wanted are null.

        Raises:
            SourceError: there is no such table.
        """


@contextmanager
def engine_of(
    name: EngineName, folder: Path, configuration: Mapping[str, str] | None = None
) -> Iterator[Engine]:
    """Starts an engine, and ends it with the block.

    Args:
        name: of the engine.
        folder: for its own temporary files; Spark's executors must see it, too.
        configuration: of the Spark session: spark.master or spark.remote, say.

    Raises:
        ExtraMissingError: a package, or Java, is not installed.
    """
    # Here and not above: the engines are extras.
    if name is EngineName.DUCKDB:
        need("duckdb", f"--engine {name}")
        from index_builder.transactions.encoding.engines.duckdb_engine import duckdb_engine

        with duckdb_engine(folder) as engine:
            yield engine
    elif name is EngineName.SPARK:
        need("spark", f"--engine {name}")
        from index_builder.transactions.encoding.engines.spark_engine import SparkEngine
        from index_builder.transactions.encoding.engines.spark_session import spark_session

        with spark_session(configuration or {}) as session:
            yield SparkEngine(session, folder)
    else:
        from index_builder.transactions.encoding.engines.polars_engine import PolarsEngine

        yield PolarsEngine()
