"""The session of Spark that an engine works in: one of this process, or of a server (Connect)."""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from pyspark.sql import SparkSession

from service.support.extras import ExtraMissingError

_NAME = "rtt2vec-build encode"
_REMOTE = "spark.remote"


@contextmanager
def spark_session(configuration: Mapping[str, str]) -> Iterator[SparkSession]:
    """Starts a session, or takes part in one that this process has, which goes on then.

    Args:
        configuration: of a new one; with `spark.remote`, it is that of a server.

    Raises:
        ExtraMissingError: there is no Java, or Spark's client lacks a package.
    """
    running = SparkSession.getActiveSession()
    if running is not None:
        yield running
        return
    remote = _REMOTE in configuration or "SPARK_REMOTE" in os.environ
    if not remote:
        _need_spark_and_java()
    builder = SparkSession.builder.appName(_NAME)
    for name, value in configuration.items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except ImportError as error:
        raise ExtraMissingError(
            f"--spark {_REMOTE} needs a package: {error}\n"
            "Install it: pip install 'rtt2vec[spark-connect]', or 'pyspark[connect]' beside pyspark"
        ) from error
    try:
        yield session
    finally:
        session.stop()


def _need_spark_and_java() -> None:
    from pyspark.util import is_remote_only

    if is_remote_only():
        raise ExtraMissingError(
            "--engine spark with pyspark-client works on a server: expected --spark "
            f"{_REMOTE}=sc://host:15002, found none.\n"
            "Give it, or replace pyspark-client by pip install 'rtt2vec[spark]'."
        )
    home = os.environ.get("JAVA_HOME")
    if shutil.which("java") is None and not (home and (Path(home) / "bin" / "java").exists()):
        raise ExtraMissingError(
            "--engine spark needs Java. Install it (apt-get install openjdk-17-jre-headless), or "
            "set JAVA_HOME."
        )
