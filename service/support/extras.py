"""Extras: optional dependencies of the package."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

Extra = Literal["duckdb", "excel", "kafka", "limits", "memcached", "spark", "tracing"]

_PACKAGES: dict[Extra, tuple[str, ...]] = {  # of several, one is enough
    "duckdb": ("duckdb",),
    "excel": ("fastexcel",),
    "kafka": ("confluent-kafka",),
    "limits": ("throttled-py",),
    "memcached": ("pymemcache",),
    "spark": ("pyspark", "pyspark-client"),
    "tracing": ("opentelemetry-sdk",),
}


class ExtraMissingError(Exception):
    """A setting needs an extra that is not installed."""


def need(extra: Extra, wanted: str) -> None:
    """Check that an extra is installed; `wanted` is the setting that needs it.

    Raises:
        ExtraMissingError: it is not; the message says how to install it.
    """
    packages = _PACKAGES[extra]
    if not any(map(_is_installed, packages)):
        remedy = f"pip install 'rtt2vec[{extra}]'"
        raise ExtraMissingError(f"{wanted} needs {' or '.join(packages)}. Install it: {remedy}")


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True
