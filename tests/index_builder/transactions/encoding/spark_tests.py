"""Spark: the tables and refusals of the other engines, here, on clusters and by Connect.

They need Spark, Java and pyspark-client; `make test-spark` installs these, and names this file.
"""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from threading import Thread

import polars as pl
import pyspark
import pytest

from index_builder.transactions.encoding.manifest import EncodedManifest, read_manifest
from tests.data.odd_shop import encoded, odd_lines, write_files
from tests.data.transaction_files import csv

ROOT = Path(__file__).parents[4]
SPARK = Path(pyspark.__file__).parent
CLIENT = Path(sys.prefix) / "pyspark-client"  # where make test-spark installs it
PROGRAM = ROOT / "deploy" / "spark" / "encode.py"
CLUSTER = "local-cluster[2,1,1024]"
SHARED = "ann,b,milk,2017-12-01\nben,b,tea,2017-12-02\nann,c,tea,2017-12-02\n"
ENVIRONMENT = os.environ | {
    "SPARK_LOCAL_IP": "127.0.0.1",
    "PYTHONPATH": str(ROOT),
    "PYSPARK_PYTHON": sys.executable,
}
_JAVA = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.sql.shuffle.partitions": "2",
    # Compiling takes longer than a few hundred lines do.
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": _JAVA,
    "spark.executor.extraJavaOptions": _JAVA,
}
READING = ("--missing", "", "--guest", "guest")

# A metastore of Hive, where it is not UTC, has the rows of Parquet files as tables. In a process
# of its own: a process has one session, and Spark warns.
TABLES = """
import json
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from index_builder.cli.main import app
from index_builder.transactions.errors import DataError

work = Path(sys.argv[1])
session = (
    SparkSession.builder.master("local[2]")
    .config(map=json.loads(sys.argv[2]))
    .config("spark.sql.session.timeZone", "America/New_York")
    .config("spark.sql.warehouse.dir", str(work / "warehouse"))
    .config(
        "spark.hadoop.javax.jdo.option.ConnectionURL",
        f"jdbc:derby:;databaseName={work}/metastore;create=true",
    )
    .enableHiveSupport()
    .getOrCreate()
)
session.sql("CREATE DATABASE db")
for name in ("purchases", "wrong", "shared"):
    session.read.parquet(str(work / f"{name}.parquet")).write.saveAsTable(f"db.{name}")
session.sql("CREATE TABLE db.nothing (user_id STRING) STORED AS ORC")
for name in ("purchases", "wrong", "shared", "nothing", "misspelt"):
    command = ["encode", "--engine", "spark", "--table", f"db.{name}", "--out", str(work / name)]
    command += ["--column", "user_id=Customer No", "--missing", "", "--guest", "guest"]
    try:
        app(command, standalone_mode=False)
    except DataError as error:
        (work / f"{name}.txt").write_text(f"{type(error).__name__}\\n{error}")
session.stop()
"""


def conf(settings: dict[str, str]) -> list[str]:
    """Settings as options of spark-submit."""
    return [part for pair in settings.items() for part in ("--conf", "=".join(pair))]


def run(
    *command: str | Path, folder: Path = ROOT, path: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    paths = [str(ROOT), *([str(path)] if path else [])]
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(reversed(paths))}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=environment
    )


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "shop"
    return write_files(folder, odd_lines(7), ("1.csv", "2.parquet", "3.csv"))


@pytest.fixture(scope="module")
def expected(shop: Path) -> EncodedManifest:
    """What the default engine makes of the shop."""
    return encoded("polars", shop, shop.parent / "polars")


def test_a_program_that_is_submitted_to_a_cluster(
    shop: Path, expected: EncodedManifest, tmp_path: Path
) -> None:
    submit = (SPARK / "bin" / "spark-submit", "--master", CLUSTER)
    program = (PROGRAM, "encode", "--engine", "spark", *READING)
    out = tmp_path / "our [1] shöp, 100%20 {a}*?\\" / "spark"  # all of which a path may have
    done = run(*submit, *conf(SETTINGS), *program, "--transactions", shop, "--out", out)
    assert done.returncode == 0, done.stderr
    assert read_manifest(out) == expected


@contextmanager
def connect_server(folder: Path) -> Iterator[str]:
    """A server of Spark Connect whose executors are those of a cluster."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    submit = (SPARK / "bin" / "spark-submit", "--master", CLUSTER)
    program = ("--class", "org.apache.spark.sql.connect.service.SparkConnectServer")
    binding = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(port),
    }
    with subprocess.Popen(
        [*submit, *program, *conf(SETTINGS | binding)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=ENVIRONMENT,
        cwd=folder,
    ) as server:
        output: Iterator[str] = iter(server.stdout or ())
        # It goes on writing, and would wait for a reader.
        rest = Thread(target=lambda: [*output])
        try:
            said = [*takewhile(lambda line: "Spark Connect server started" not in line, output)]
            if server.poll() is not None:
                pytest.fail("".join(said))
            rest.start()
            yield f"sc://127.0.0.1:{port}"
        finally:
            server.terminate()
            if rest.is_alive():
                rest.join()


def test_a_client_of_a_server(shop: Path, expected: EncodedManifest, tmp_path: Path) -> None:
    wrong = csv(tmp_path, "user_id,basket_id,item_id,timestamp\n" + SHARED)
    with connect_server(tmp_path) as url:
        encode = (sys.executable, PROGRAM, "encode", "--engine", "spark")
        remote = ("--spark", f"spark.remote={url}", *READING)
        out = tmp_path / "spark"
        done = run(*encode, *remote, "--transactions", shop, "--out", out, path=CLIENT)
        refused = run(*encode, *remote, "--transactions", wrong, "--out", out, path=CLIENT)
    assert done.returncode == 0, done.stderr
    assert read_manifest(out) == expected
    with pytest.raises(ValueError, match="belong to more than one user") as caught:
        encoded("polars", wrong, tmp_path / "wrong")
    assert refused.returncode == 1
    assert f"{type(caught.value).__name__}\n{caught.value}" in refused.stderr


def test_tables_of_a_metastore(tmp_path: Path) -> None:
    lines = odd_lines(8, 60)
    columns = {
        "Customer No": [line.user for line in lines],
        "basket_id": [line.basket for line in lines],
        "item_id": [line.item for line in lines],
        "timestamp": [line.moment for line in lines],
        "quantity": [line.quantity for line in lines],
        "event_id": [line.event for line in lines],
        "till": range(len(lines)),
    }
    rows = pl.DataFrame(columns).with_columns(pl.col("timestamp").dt.replace_time_zone("UTC"))
    wrong = pl.when(pl.col("till") % 7 == 3).then(pl.lit("x" * 200)).otherwise("item_id")
    frames = {
        "purchases": rows,
        "wrong": rows.with_columns(item_id=wrong),
        "shared": rows.with_columns(basket_id=pl.lit("b")),
    }
    for name, frame in frames.items():
        frame.write_parquet(tmp_path / f"{name}.parquet")
    done = run(sys.executable, "-c", TABLES, tmp_path, json.dumps(SETTINGS), folder=tmp_path)
    assert done.returncode == 0, done.stderr

    reading = {"user_id": "Customer No"}
    of_file = encoded(
        "polars", tmp_path / "purchases.parquet", tmp_path / "polars", columns=reading
    )
    of_table = read_manifest(tmp_path / "purchases")
    assert of_table.digests == of_file.digests
    assert of_table.read_summary() == replace(of_file.read_summary(), source="db.purchases")
    assert of_table.summary.unused_columns == ("till",)
    for name in ("wrong", "shared"):
        with pytest.raises(ValueError, match=r"rows|values") as caught:
            encoded("polars", tmp_path / f"{name}.parquet", tmp_path / "no", columns=reading)
        said = f"{type(caught.value).__name__}\n{caught.value}"
        expected = said.replace(str(tmp_path / f"{name}.parquet"), f"db.{name}")
        assert (tmp_path / f"{name}.txt").read_text() == expected
        assert not (tmp_path / name).exists()
    assert (tmp_path / "nothing.txt").read_text().startswith("EmptyDataError\ndb.nothing: no rows")
    assert "--table db.misspelt" in (tmp_path / "misspelt.txt").read_text()


@pytest.mark.parametrize(
    ("options", "environment", "said"),
    [
        ((), {"PATH": "", "JAVA_HOME": ""}, "apt-get install openjdk-17-jre-headless"),
        (("--spark", "spark.remote=sc://127.0.0.1:1"), {}, "found none: [Errno 111]"),
    ],
    ids=["Java", "server"],
)
def test_what_is_missing_is_named(
    options: tuple[str, ...], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    path = csv(tmp_path, "user_id,basket_id,item_id,timestamp\nann,b,milk,2017-12-01\n")
    command = (sys.executable, PROGRAM, "encode", "--engine", "spark", "--transactions", path)
    done = subprocess.run(
        [*command, *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env=ENVIRONMENT | environment,
    )
    assert done.returncode == 1
    assert said in done.stderr
