"""The session of Spark that an engine works in: one of this process, or of a server (Connect)."""

import os
import re
import shutil
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

from service.support.extras import ExtraMissingError

_NAME = "rtt2vec-build encode"
_REMOTE = "spark.remote"
_PORT = 15002  # the usual one
_PATIENCE_S = 10.0


@contextmanager
def spark_session(configuration: Mapping[str, str]) -> Iterator[SparkSession]:
    """Starts a session, or takes part in one that this process has, which goes on then.

    Args:
        configuration: of a new one; with `spark.remote`, it is that of a server.

    Raises:
        ExtraMissingError: there is no Java, or Spark's client lacks a package.
        ConnectionError: there is no server.
    """
    with warnings.catch_warnings():
        # Nothing here uses pandas.
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas")
        running = SparkSession.getActiveSession()
        session = running or _new_session(configuration)
    try:
        yield session
    finally:
        if running is None:
            session.stop()


def _new_session(configuration: Mapping[str, str]) -> SparkSession:
    remote = configuration.get(_REMOTE, os.environ.get("SPARK_REMOTE", ""))
    if remote.startswith("sc://"):
        _refuse_what_listens_nowhere(remote)
    else:  # none, or one that is started here
        _need_spark_and_java()
    builder = SparkSession.builder.appName(_NAME)
    for name, value in configuration.items():
        builder = builder.config(name, value)
    try:
        return builder.getOrCreate()
    except ImportError as error:
        raise ExtraMissingError(
            f"--spark {_REMOTE} needs a package: {error}\n"
            "Install it: pip install 'rtt2vec[spark-connect]', or 'pyspark[connect]' beside pyspark"
        ) from error


def _refuse_what_listens_nowhere(remote: str) -> None:
    """Raises ConnectionError; the client would try again for minutes."""
    # What follows may hold a token.
    place = re.split(r"[/;?]", remote.removeprefix("sc://"), maxsplit=1)[0].rpartition("@")[2]
    try:
        address = urlsplit(f"//{place}")
        host, port = address.hostname, address.port or _PORT
    except ValueError as error:
        raise ConnectionError(f"{_REMOTE}: expected sc://host:port, found {place!r}") from error
    try:
        socket.create_connection((host, port), _PATIENCE_S).close()
    except ConnectionRefusedError as error:
        raise ConnectionError(
            f"{_REMOTE}: expected a server of Spark Connect at {place}, found none: {error}"
        ) from error
    except OSError:
        pass  # it may be behind a proxy that only the client knows


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
