"""Spark: the tables and refusals of the other engines, in one process and on a cluster."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from index_builder.transactions.encoding.manifest import read_manifest
from tests.data.odd_shop import encoded, odd_lines, write_files
from tests.data.transaction_files import csv

pytest.importorskip("pyspark", reason="make test-spark installs Spark and Java")
if shutil.which("java") is None:
    pytest.skip("make test-spark installs Java", allow_module_level=True)

# Each master in a process of its own: Spark warns, and a process has one session. It encodes the
# first folder, and then the second, which is refused.
PROGRAM = """
import sys
from pathlib import Path
from pyspark.sql import SparkSession
from index_builder.transactions.errors import DataError
from tests.data.odd_shop import encoded

master, shop, wrong, out = sys.argv[1:]
builder = SparkSession.builder.master(master).config("spark.ui.enabled", "false")
session = builder.config("spark.sql.shuffle.partitions", "2").getOrCreate()
encoded("spark", Path(shop), Path(out))
try:
    encoded("spark", Path(wrong), Path(out + "-wrong"))
except DataError as error:
    print(f"{type(error).__name__}\\n{error}", end="")
session.stop()
"""


@pytest.mark.parametrize("master", ["local[2]", "local-cluster[2,1,1024]"])
def test_the_tables_and_the_refusals_are_those_of_the_default(master: str, tmp_path: Path) -> None:
    shop = write_files(tmp_path / "shop", odd_lines(7), ("1.csv", "2.parquet", "3.csv"))
    lines = "ann,b,milk,2017-12-01\nben,b,tea,2017-12-02\nann,c,tea,2017-12-02\n"
    wrong = csv(tmp_path, "user_id,basket_id,item_id,timestamp\n" + lines)
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, master, shop, wrong, tmp_path / "spark"],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[4],
        env=os.environ | {"SPARK_LOCAL_IP": "127.0.0.1"},
    )
    assert done.returncode == 0, done.stderr
    expected = encoded("polars", shop, tmp_path / "polars")
    assert read_manifest(tmp_path / "spark") == expected
    with pytest.raises(ValueError, match="belong to more than one user") as caught:
        encoded("polars", wrong, tmp_path / "wrong")
    assert done.stdout == f"{type(caught.value).__name__}\n{caught.value}"
