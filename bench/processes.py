"""Processes on chosen cores, with their processor time and memory from /proc (Linux)."""

import multiprocessing
import os
from collections.abc import Iterator, Set
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CORES",
    "ONE_THREAD",
    "Memory",
    "anonymous_memory",
    "children",
    "cpu_s",
    "family",
    "forget_peak",
    "parent",
    "peak_memory",
    "process_on",
]

CORES = sorted(os.sched_getaffinity(0))

# Libraries read these when they are imported.
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


@contextmanager
def process_on(cores: Set[int], niceness: int = 0) -> Iterator[ProcessPoolExecutor]:
    """A new interpreter on these cores, which runs the submitted calls one after another."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, spawn, _settle, (cores, niceness)) as process:
        yield process


def _settle(cores: Set[int], niceness: int) -> None:
    os.sched_setaffinity(0, cores)
    os.nice(niceness)


def cpu_s(pid: int) -> float:
    """Processor time of a process until now, in seconds."""
    facts = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(facts[11]) + int(facts[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(pid: int) -> float:
    """Largest resident memory of a process until now, in MB of a million bytes.

    0 once it has ended. (The figure of `wait4` would include the memory of the parent process.)
    """
    return _of_status(pid, "VmHWM")


def forget_peak(pid: int) -> None:
    """Let `peak_memory` begin anew with what is resident now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")


def anonymous_memory(pid: int) -> float:
    """Resident pages of a process that belong to no file, in MB; 0 once it has ended."""
    return _of_status(pid, "RssAnon")


def _of_status(pid: int, field: str) -> float:
    lines = Path(f"/proc/{pid}/status").read_text("utf-8").splitlines()
    return sum(int(line.split()[1]) * 1024 / 1e6 for line in lines if line.startswith(f"{field}:"))


def children(pid: int) -> list[int]:
    """The processes that it started, also by a process of Python's that does nothing but fork."""
    found = []
    for child in _started_by(pid):
        command = _command(child)
        if b"multiprocessing.forkserver" in command:
            found += _started_by(child)
        elif command and b"resource_tracker" not in command:
            found.append(child)
    return found


def parent(pid: int) -> int:
    """The process that started this one, or that it was handed to when that ended."""
    return int(Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()[1])


def family(pid: int) -> list[int]:
    """A process, those that it started, and so on."""
    return [pid, *(each for child in _started_by(pid) for each in family(child))]


def _started_by(pid: int) -> list[int]:
    try:
        started = Path(f"/proc/{pid}/task/{pid}/children").read_text("utf-8")
    except (FileNotFoundError, ProcessLookupError):  # it has ended since
        return []
    return [int(child) for child in started.split()]


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b""


@dataclass(frozen=True)
class Memory:
    """The memory of a process, in MB of a million bytes.

    Attributes:
        private: pages that no other process maps, those of files included.
        anonymous: pages that belong to no file.
        proportional: every page divided by the number of processes that map it.
    """

    private: float
    anonymous: float
    proportional: float

    @classmethod
    def of(cls, pid: int) -> "Memory":
        """The memory of a process now."""
        _, *lines = Path(f"/proc/{pid}/smaps_rollup").read_text("utf-8").splitlines()
        pairs = (line.split(":") for line in lines)
        kib = {name: int(amount.split()[0]) for name, amount in pairs}
        sizes = (kib["Private_Clean"] + kib["Private_Dirty"], kib["Anonymous"], kib["Pss"])
        return cls(*(size * 1024 / 1e6 for size in sizes))
