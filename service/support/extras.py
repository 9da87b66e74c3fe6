"""Extras: parts of the package that only those install who use them."""

from importlib.metadata import PackageNotFoundError, version
from typing import Literal

__all__ = ["Extra", "ExtraMissingError", "need"]

Extra = Literal["kafka", "limits", "memcached", "tracing"]

_PACKAGES: dict[Extra, str] = {
    "kafka": "confluent-kafka",
    "limits": "throttled-py",
    "memcached": "pymemcache",
    "tracing": "opentelemetry-sdk",
}


class ExtraMissingError(Exception):
    """Something is asked for that needs an extra, which is not installed."""


def need(extra: Extra, wanted: str) -> None:
    """See that an extra is installed.

    Raises:
        ExtraMissingError: saying what wanted it, and how to install it.
    """
    package = _PACKAGES[extra]
    try:
        version(package)
    except PackageNotFoundError as error:
        remedy = f"pip install 'rtt2vec[{extra}]'"
        raise ExtraMissingError(f"{wanted} needs {package}. Install it: {remedy}") from error
