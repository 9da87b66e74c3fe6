"""Spark: on this machine or on a cluster; its results come back as Parquet files."""

import re
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from index_builder.transactions.errors import EngineError, SourceError

_GLOB = re.compile(r"[\\*?\[\]{}]")


class SparkEngine:
    """An `Engine`, and a `Catalogue`."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session, self._folder = session, folder
        # Spark's default has no room for whether a time is a moment or a local one.
        session.conf.set("spark.sql.parquet.outputTimestampType", "TIMESTAMP_MICROS")

    def relation(self, name: str, files: Sequence[Path]) -> None:
        """Gives files a name."""
        found = self._session.read.parquet(*(_GLOB.sub(r"\\\g<0>", _url(file)) for file in files))
        found.createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        """Gives the result of a statement a name."""
        self._session.sql(sql).createOrReplaceTempView(name)

    def batches(self, sql: str, _by: str | None = None, /) -> Iterator[pl.DataFrame]:
        """Yields the result of a statement, which the engine divides itself."""
        for batch in self._result(self._session.sql(sql)):
            yield pl.DataFrame(pl.from_arrow(batch))

    def rows(self, table: str, wanted: Collection[str]) -> Iterator[pa.RecordBatch]:
        """Yields the rows of a table, with all its columns; those not wanted are null."""
        try:
            found = self._session.table(table)
            columns = found.columns
        except PySparkException as error:
            raise SourceError(f"--table {table}: {str(error).splitlines()[0]}") from error
        quoted = {name: f"`{name.replace('`', '``')}`" for name in columns}
        chosen = found.selectExpr(
            *(
                quoted[name] if name in wanted else f"CAST(NULL AS BOOLEAN) AS {quoted[name]}"
                for name in columns
            )
        )
        yield from self._result(chosen)

    def _result(self, frame: DataFrame) -> Iterator[pa.RecordBatch]:
        """Yields the rows of a frame, from files that the executors write."""
        folder = self._folder / "result"
        try:
            frame.write.parquet(_url(folder), compression="lz4_raw")
        except PySparkException as error:
            raise EngineError(f"Spark: {error}") from error
        try:
            # An ORDER BY numbers them, from 100,000 on with more digits.
            found = folder.glob("part-*.parquet")
            for file in sorted(found, key=lambda each: (len(each.name), each.name)):
                with pq.ParquetFile(file) as parts:
                    yield from parts.iter_batches()
        finally:
            shutil.rmtree(folder)


def _url(path: Path) -> str:
    """Where a path is for Hadoop, which takes %20 for three characters, unlike other readers."""
    return f"file:{path.resolve()}"
