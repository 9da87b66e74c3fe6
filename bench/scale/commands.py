"""A command of the project as it runs: its output, time and memory, and those of its stages."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Lock, Thread
from time import perf_counter
from typing import NamedTuple

from bench.figures import Figure
from bench.processes import CORES, ONE_THREAD, anonymous_memory, cpu_s, forget_peak, peak_memory

__all__ = ["THREADS", "Cost", "Finished", "figures_of", "run"]

THREADS = 2
_POLL_S = 0.1
_STAGE = re.compile(r"✓ (?P<name>.+) (?P<seconds>[\d.]+) s\s*")  # see `index_builder.progress`


class Cost(NamedTuple):
    """What something took.

    Attributes:
        seconds: of time.
        peak: of resident memory, in MB of a million bytes, with the pages of mapped files.
        anonymous: peak of the pages that belong to no file, in MB.
        processor_s: seconds of processor time.
    """

    seconds: float
    peak: float
    anonymous: float
    processor_s: float

    @classmethod
    def of_all(cls, costs: Sequence["Cost"]) -> "Cost":
        """That of several things, one after the other."""
        seconds, peaks, anonymous, processor_s = zip(*costs, strict=True)
        return cls(sum(seconds), max(peaks), max(anonymous), sum(processor_s))


@dataclass(frozen=True)
class Finished:
    """A command that has ended.

    Attributes:
        output: all that it printed.
        cost: of the whole.
        stages: name and cost of each stage that printed its time, in their order.
    """

    output: str
    cost: Cost
    stages: Sequence[tuple[str, Cost]]


def figures_of(
    name: str,
    cost: Cost,
    limits: tuple[float, float] | None,
    under: Mapping[str, str | float],
) -> Iterator[Figure]:
    """Seconds and peak memory as figures.

    Args:
        name: of what has this cost.
        cost: of it.
        limits: the most seconds and the most MB; None: no limits.
        under: conditions.
    """
    most_s, most_mb = limits or (None, None)
    of_time = {**under, "processor": f"{cost.processor_s:.1f} s"}
    of_memory = {**under, "of no file": f"{cost.anonymous:.0f} MB"}
    yield Figure(name, cost.seconds, "s", at_most=most_s, under=of_time)
    yield Figure(f"{name}, peak memory", cost.peak, "MB", at_most=most_mb, under=of_memory)


def run(words: Sequence[str], folder: Path) -> Finished:
    """Runs a command on two cores; ends the bench with its output if it fails.

    Args:
        words: of the command line.
        folder: for its temporary files.
    """
    inherited = {name: value for name, value in os.environ.items() if name not in ONE_THREAD}
    output, stages = [], []
    with subprocess.Popen(
        words,
        env=inherited | {"TMPDIR": str(folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    ) as process:
        os.sched_setaffinity(process.pid, CORES[:THREADS])
        with _meter(process.pid) as meter:
            for line in process.stdout or ():
                output.append(line)
                if found := _STAGE.match(line):
                    stages.append((found["name"], meter.lap()))
            rest = meter.lap()
    text = "".join(output)
    if process.returncode:
        sys.exit(text)
    return Finished(text, Cost.of_all([*(cost for _, cost in stages), rest]), stages)


class _Meter:
    """What a process takes between two laps."""

    def __init__(self, pid: int) -> None:
        self._pid, self._lock = pid, Lock()
        self._began, self._processor_s = perf_counter(), 0.0
        self._now = 0.0  # processor time when it was last looked at
        self._peak = self._anonymous = 0.0

    def look(self) -> None:
        """Look at the process, as long as it is there."""
        with self._lock, suppress(FileNotFoundError, ProcessLookupError):
            self._peak = max(self._peak, peak_memory(self._pid))
            self._anonymous = max(self._anonymous, anonymous_memory(self._pid))
            self._now = cpu_s(self._pid)

    def lap(self) -> Cost:
        """What it took since the last lap, or since the beginning."""
        self.look()
        with self._lock:
            now = perf_counter()
            cost = Cost(
                now - self._began, self._peak, self._anonymous, self._now - self._processor_s
            )
            self._began, self._processor_s = now, self._now
            self._peak = self._anonymous = 0.0
            with suppress(FileNotFoundError, ProcessLookupError):
                forget_peak(self._pid)
        return cost


@contextmanager
def _meter(pid: int) -> Iterator["_Meter"]:
    """A meter that looks at the process again and again until the block ends."""
    meter, ended = _Meter(pid), Event()

    def look() -> None:
        while not ended.wait(_POLL_S):
            meter.look()

    thread = Thread(target=look)
    thread.start()
    try:
        yield meter
    finally:
        ended.set()
        thread.join()
