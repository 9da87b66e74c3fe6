"""Spark: on this machine or on a cluster; its results come back as Parquet files."""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from service.support.extras import ExtraMissingError


class SparkEngine:
    """An `Engine`."""

    def __init__(self, session: SparkSession, folder: Path) -> None:
        self._session, self._folder = session, folder

    def relation(self, name: str, files: Sequence[Path]) -> None:
        """Gives files a name."""
        found = self._session.read.parquet(*(file.resolve().as_uri() for file in files))
        found.createOrReplaceTempView(name)

    def view(self, name: str, sql: str) -> None:
        """Gives the result of a statement a name."""
        self._session.sql(sql).createOrReplaceTempView(name)

    def batches(self, sql: str) -> Iterator[pl.DataFrame]:
        """Yields the result of a statement, from files that the executors write."""
        folder = self._folder.resolve() / "result"
        self._session.sql(sql).write.parquet(folder.as_uri(), compression="lz4_raw")
        try:
            for file in sorted(folder.glob("part-*.parquet")):  # an ORDER BY numbers them
                with pq.ParquetFile(file) as parts:
                    for batch in parts.iter_batches():
                        yield pl.DataFrame(pl.from_arrow(batch))
        finally:
            shutil.rmtree(folder)


@contextmanager
def spark_engine(folder: Path, configuration: Mapping[str, str]) -> Iterator[SparkEngine]:
    """Starts a session, or takes part in one that this process has, which goes on then.

    Raises:
        ExtraMissingError: there is no Java.
    """
    running = SparkSession.getActiveSession()
    if running is None and not _java():
        raise ExtraMissingError(
            "--engine spark needs Java. Install it (apt-get install openjdk-17-jre-headless), or "
            "set JAVA_HOME."
        )
    builder = SparkSession.builder.appName("rtt2vec-build encode")
    for name, value in configuration.items():
        builder = builder.config(name, value)
    session = running or builder.getOrCreate()
    try:
        yield SparkEngine(session, folder)
    finally:
        if running is None:
            session.stop()


def _java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return shutil.which("java") is not None or (
        home is not None and (Path(home) / "bin" / "java").exists()
    )
