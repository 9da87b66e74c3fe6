"""Processes that use Spark, with as little of it as a few hundred lines need."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
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


def run(
    *command: str | Path, folder: Path = ROOT, path: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    paths = [str(ROOT), *([str(path)] if path else [])]
    environment = ENVIRONMENT | {"PYTHONPATH": os.pathsep.join(reversed(paths))}
    return subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=folder, env=environment
    )
