"""Measured figures with their limits, printed as a table and written as JSON."""

import json
import os
import platform
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from rich.table import Table

__all__ = ["Figure", "Verdict", "as_table", "machine", "write"]

Verdict = Literal["met", "missed", "-"]
_LIBRARIES = ("numpy", "numba", "faiss-cpu", "nmslib", "fastapi", "uvicorn", "orjson", "pydantic")
_OPPONENTS = ("hnswlib", "implicit", "scann", "usearch")  # if they are installed


@dataclass(frozen=True)
class Figure:
    """One measured number.

    Attributes:
        name: description of the measurement.
        value: the number, in `unit`.
        at_least, at_most: the limit; a figure without one is for information.
        under: conditions of the measurement: catalogue size, load, connections, recall, …
    """

    name: str
    value: float
    unit: str = ""
    at_least: float | None = None
    at_most: float | None = None
    under: dict[str, str | float] = field(default_factory=dict)

    @property
    def limit(self) -> str:
        """The limit as text; empty without a limit."""
        if self.at_least is not None:
            return f">= {self.at_least:g}"
        return "" if self.at_most is None else f"<= {self.at_most:g}"

    @property
    def verdict(self) -> Verdict:
        """Whether the limit is met; `-` without a limit."""
        if self.at_least is None and self.at_most is None:
            return "-"
        low = -float("inf") if self.at_least is None else self.at_least
        high = float("inf") if self.at_most is None else self.at_most
        return "met" if low <= self.value <= high else "missed"


def as_table(figures: Sequence[Figure]) -> Table:
    """The figures as a table for `rich`, one line each."""
    table = Table("figure", "value", "limit", "verdict", "under")
    for each in figures:
        value = f"{each.value:.4g} {each.unit}".rstrip()
        under = ", ".join(f"{name} {fact}" for name, fact in each.under.items())
        table.add_row(each.name, value, each.limit, each.verdict, under)
    return table


def write(path: Path, figures: Sequence[Figure]) -> None:
    """Write the figures as JSON, with the machine and the versions of the libraries."""
    content = {
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {
            "cores": os.cpu_count(),
            "processor": _processor(),
            "caches": _caches(),
            "system": _system(),
        },
        "versions": {"python": platform.python_version()}
        | {n: version(n) for n in _LIBRARIES}
        | dict(_installed()),
        "figures": [
            asdict(each) | {"limit": each.limit, "verdict": each.verdict} for each in figures
        ],
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _installed() -> Iterator[tuple[str, str]]:
    for name in _OPPONENTS:
        with suppress(PackageNotFoundError):
            yield name, version(name)


def machine() -> str:
    """The processor and its caches, on which most figures depend."""
    caches = ", ".join(f"{name} {size}" for name, size in _caches().items())
    return f"{os.cpu_count()} cores of {_processor()}; caches: {caches or 'unknown'}"


def _caches() -> dict[str, str]:
    """The sizes of the first core's caches by name, on Linux: `{"L1d": "32K", …}`."""
    found = {}
    for each in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((each / n).read_text().strip() for n in ("level", "type", "size"))
        suffix = {"Data": "d", "Instruction": "i"}.get(kind, "")
        found[f"L{level}{suffix}"] = size
    return found


def _processor() -> str:
    """The processor's name; on Linux from /proc/cpuinfo."""
    facts = Path("/proc/cpuinfo")
    lines = facts.read_text("utf-8").splitlines() if facts.is_file() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def _system() -> str:
    return f"{platform.system()} {platform.machine()}"
