"""From files of lines to training data and what is counted from them: time and memory by stage."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage
from tempfile import TemporaryDirectory
from time import perf_counter, sleep
from typing import NamedTuple

from bench.figures import Figure
from bench.processes import CORES, ONE_THREAD, peak_memory
from bench.scale.lines import write_lines, write_products

__all__ = ["LARGE", "SMALL", "Extent", "measure_encoding"]

COMMAND = Path(sys.executable).with_name("rtt2vec-build")
THREADS = 2
_POLL_S = 0.1


@dataclass(frozen=True)
class Extent:
    """What is encoded, and what it may take.

    Attributes:
        copies: of the demo's households.
        random_ids: whether ids are random.
        encode_s: seconds of reading and encoding by the first engine.
        encode_mb: its peak memory, in MB of a million bytes.
        stages: seconds and peak memory of all stages after that but training; None: no limits.
    """

    copies: int
    random_ids: bool
    encode_s: float
    encode_mb: float
    stages: tuple[float, float] | None = None


class _Cost(NamedTuple):
    """Seconds, peak memory in MB of a million bytes, and seconds of processor time."""

    seconds: float
    peak: float
    processor_s: float


SMALL = Extent(16, random_ids=False, encode_s=60, encode_mb=2000)
LARGE = tuple(
    Extent(70, random_ids, encode_s=300, encode_mb=4500, stages=(720, 6000))
    for random_ids in (False, True)
)


def measure_encoding(scratch: Path, extent: Extent, engines: Sequence[str]) -> Iterator[Figure]:
    """Encodes one file of lines by each engine, and runs the stages after that.

    Args:
        scratch: a directory with room for file, checked lines and tables: 60 bytes a line, 200
            with random ids.
        extent: what is encoded.
        engines: the first of them makes the tables that the stages read.
    """
    with TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        lines = write_lines(folder / "lines.parquet", extent.copies, extent.random_ids)
        write_products(folder / "products.parquet", extent.random_ids)
        under: dict[str, str | float] = {"lines": f"{lines:,}", "threads": THREADS}
        under |= {"ids": "random"} if extent.random_ids else {}
        for engine in engines:
            words = [str(COMMAND), "encode", "--engine", engine, "--out", str(folder / engine)]
            _, cost = _measured([*words, "--transactions", f"{folder}/lines.parquet"], folder)
            first = engine == engines[0]
            limits = (extent.encode_s, extent.encode_mb) if first else None
            yield from _figures(f"encode by {engine}", cost, limits, under)
        words = [sys.executable, "-m", "bench.scale.counting"]
        output, _ = _measured(
            [*words, f"{folder}/{engines[0]}", f"{folder}/products.parquet"], folder
        )
        stages = {name: _Cost(*cost) for name, *cost in map(json.loads, output.splitlines())}
        for name, cost in stages.items():
            yield from _figures(name, cost, None, under)
        costs = stages.values()
        whole = _Cost(
            sum(each.seconds for each in costs),
            max(each.peak for each in costs),
            sum(each.processor_s for each in costs),
        )
        yield from _figures("all stages after encoding", whole, extent.stages, under)


def _figures(
    name: str,
    cost: _Cost,
    limits: tuple[float, float] | None,
    under: dict[str, str | float],
) -> Iterator[Figure]:
    most_s, most_mb = limits or (None, None)
    facts = under | {"processor": f"{cost.processor_s:.1f} s"}
    yield Figure(name, cost.seconds, "s", at_most=most_s, under=facts)
    yield Figure(f"{name}, peak memory", cost.peak, "MB", at_most=most_mb, under=under)


def _measured(words: Sequence[str], folder: Path) -> tuple[str, _Cost]:
    """Run a command on two cores; return its output, and what it took."""
    inherited = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    began, before, peak = perf_counter(), _processor_s(), 0.0
    with (folder / "log").open("w+") as log:
        with subprocess.Popen(
            words, env=inherited | {"TMPDIR": str(folder)}, stdout=log, stderr=log
        ) as process:
            os.sched_setaffinity(process.pid, CORES[:THREADS])
            while process.poll() is None:
                peak = max(peak, peak_memory(process.pid))
                sleep(_POLL_S)
        log.seek(0)
        text = log.read()
    if process.returncode:
        sys.exit(text)
    return text, _Cost(perf_counter() - began, peak, _processor_s() - before)


def _processor_s() -> float:
    """Seconds of processor time of all commands that have ended."""
    usage = getrusage(RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
