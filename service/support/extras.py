"""Extras: optional dependencies of the package."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

Extra = Literal["duckdb", "excel", "kafka", "limits", "memcached", "spark", "tracing"]

_PACKAGES: dict[Extra, str] = {
    "duckdb": "duckdb",
    "excel": "fastexcel",
    "kafka": "confluent-kafka",
    "limits": "throttled-py",
    "memcached": "pymemcache",
    "spark": "pyspark",
    "tracing": "opentelemetry-sdk",
}


class ExtraMissingError(Exception):
    """A setting needs an extra that is not installed."""


def need(extra: Extra, wanted: str) -> None:
    """Check that an extra is installed; `wanted` is the setting that needs it.

    Raises:
        ExtraMissingError: it is not; the message says how to install it.
    """
    package = _PACKAGES[extra]
    try:
        version(package)
    except PackageNotFoundError as error:
        remedy = f"pip install 'rtt2vec[{extra}]'"
        raise ExtraMissingError(f"{wanted} needs {package}. Install it: {remedy}") from error
