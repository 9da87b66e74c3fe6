"""Spark: the tables and refusals of the other engines, on clusters and by Connect.

They need Spark, Java and pyspark-client; `make test-spark` installs these, and names this file.
"""

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import takewhile
from pathlib import Path
from threading import Thread

import pyspark
import pytest

from index_builder.transactions.encoding.manifest import EncodedManifest, read_manifest
from tests.data.odd_shop import OPTIONS, encoded, odd_lines, write_files
from tests.data.spark_runs import ENVIRONMENT, ROOT, SETTINGS, run
from tests.data.transaction_files import csv

SPARK = Path(pyspark.__file__).parent
CLIENT = Path(sys.prefix) / "pyspark-client"  # where make test-spark installs it
PROGRAM = ROOT / "deploy" / "spark" / "encode.py"
CLUSTER = "local-cluster[2,1,1024]"
SHARED = "ann,b,milk,2017-12-01\nben,b,tea,2017-12-02\nann,c,tea,2017-12-02\n"
NAMES = ("1.csv", "2.parquet", "3.csv")


def conf(settings: dict[str, str]) -> list[str]:
    """Settings as options of spark-submit."""
    return [part for pair in settings.items() for part in ("--conf", "=".join(pair))]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("odd") / "shop"
    return write_files(folder, odd_lines(7), NAMES)


@pytest.fixture(scope="module")
def expected(shop: Path) -> EncodedManifest:
    """What the default engine makes of the shop."""
    return encoded("polars", shop, shop.parent / "polars")


def test_a_program_that_is_submitted_to_a_cluster(
    shop: Path, expected: EncodedManifest, tmp_path: Path
) -> None:
    submit = (SPARK / "bin" / "spark-submit", "--master", CLUSTER)
    program = (PROGRAM, "encode", "--engine", "spark", *OPTIONS)
    out = tmp_path / "our [1] shop, 100%20" / "spark"  # as a path may be
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
        remote = ("--spark", f"spark.remote={url}", *OPTIONS)
        out = tmp_path / "spark"
        done = run(*encode, *remote, "--transactions", shop, "--out", out, path=CLIENT)
        refused = run(*encode, *remote, "--transactions", wrong, "--out", out, path=CLIENT)
    assert done.returncode == 0, done.stderr
    assert read_manifest(out) == expected
    with pytest.raises(ValueError, match="belong to more than one user") as caught:
        encoded("polars", wrong, tmp_path / "wrong")
    assert refused.returncode == 1
    assert f"{type(caught.value).__name__}\n{caught.value}" in refused.stderr


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
