"""A program: statements, then encodings, in a session of Spark with a metastore of Hive.

A process of its own, since a process has one session, and Spark warns. Its timezone is not UTC.
"""

import json
import sys
from pathlib import Path

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from index_builder.cli.main import app
from index_builder.transactions.errors import DataError


def main(
    work: Path,
    settings: dict[str, bool | float | int | str | None],
    tables: dict[str, str],
    statements: list[str],
    encodings: dict[str, list[str]],
) -> None:
    """Write the tables of each encoding into `work`, by its name, and what failed into said.json.

    Args:
        work: a folder, in which the metastore is, too.
        settings: of the session.
        tables: the Parquet file of each table; the databases are `db` and `shop`.
        statements: of SQL; one that fails does not end the program.
        encodings: the options of `rtt2vec-build encode`, by name.
    """
    session = (
        SparkSession.builder.master("local[2]")
        .config(map=settings)
        .config("spark.sql.session.timeZone", "America/New_York")
        .config("spark.sql.catalogImplementation", "hive")
        .config("spark.sql.warehouse.dir", str(work / "warehouse"))
        .config(
            "spark.hadoop.javax.jdo.option.ConnectionURL",
            f"jdbc:derby:;databaseName={work}/metastore;create=true",
        )
        .getOrCreate()
    )
    for database in ("db", "shop"):
        session.sql(f"CREATE DATABASE {database}")
    for name, file in tables.items():
        session.read.parquet(file).write.saveAsTable(name)
    said = {}
    for statement in statements:
        try:
            session.sql(statement)
        except PySparkException as error:
            said[statement] = str(error)
    for name, options in encodings.items():
        command = ["encode", "--engine", "spark", *options, "--out", str(work / name)]
        try:
            app(command, standalone_mode=False)
        except DataError as error:
            said[name] = f"{type(error).__name__}\n{error}"
    (work / "said.json").write_text(json.dumps(said))
    session.stop()


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(json.loads, sys.argv[2:]))
