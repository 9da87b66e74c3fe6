"""Metrics of several workers: each counts in files of its own, in a directory that all share.

The library maps these files into memory, so that a killed worker loses no count (see `MetricFile`
for a disk that is full). Here a worker that ended is added to those that ended before it, and files
that were removed are written again.
"""

import logging
import os
import shutil
import struct
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from threading import Lock
from time import monotonic

from prometheus_client import CollectorRegistry, Counter, Metric, generate_latest, values
from prometheus_client.multiprocess import MultiProcessCollector

from service.support.files import locked
from service.telemetry.cells import Cells
from service.telemetry.metric_file import MetricFile

_logger = logging.getLogger(__name__)

DIRECTORY = "PROMETHEUS_MULTIPROC_DIR"
"""The variable that names the directory; set by `rtt2vec-serve` before the library is imported."""

WORKERS_READY = "rtt2vec_workers_ready"
STAGES_OF_FAILURE = ("starting", "running")

_ENDED = "ended"  # stands for the process id in the name of a file
_PATIENCE_S = 1.0
_OPEN_FILES = Path("/proc/self/fd")


def worker_failures(registry: CollectorRegistry) -> Counter:
    """Return the counter of workers that ended by themselves."""
    text = "Workers that could not start, or ended without being told to."
    return Counter("worker_failures", text, ["stage"], namespace="rtt2vec", registry=registry)


class WorkerFiles:
    """The files of this process among those of all workers."""

    def __init__(self, directory: Path) -> None:
        """Takes the directory of all workers; from now on values are kept there."""
        self._directory = directory
        self._generation = 0
        self._keeping = Lock()
        self._known: set[str] = set()
        self._moving = Lock()  # held for a moment only: a request may wait for it
        self._own: dict[str, MetricFile] = {}
        self._cells: list[tuple[str, Cells, Sequence[str]]] = []
        self._unmoved: list[tuple[str, Cells, Sequence[str]]] = []  # for lack of room
        vars(values)["MmapedDict"] = MetricFile
        values.ValueClass = values.MultiProcessValue(self._identity)

    def _identity(self, later: int = 0) -> str:
        """What the names of this process's files end with, or will in a later generation."""
        return f"{os.getpid()}-{self._generation + later}"

    def take(self, kind: str, cells: Cells, keys: Sequence[str]) -> None:
        """Have cells count in this process's file of a kind, also when it is written again.

        Args:
            kind: begins with the library's name of a kind of metric, whose values are read with
                these; it is not the name itself if the library keeps such a file.
            cells: what counts.
            keys: of each cell in the file, as the library writes them.
        """
        with self._moving:
            self._cells.append((kind, cells, keys))
            self._move_one(kind, cells, keys)

    def _file(self, kind: str) -> MetricFile:
        if kind not in self._own:
            path = self._directory / f"{kind}_{self._identity()}.db"
            self._own[kind] = MetricFile(str(path))
        return self._own[kind]

    def keep(self) -> None:
        """Write files again that were removed, with the counts that this process still has."""
        with self._keeping:
            self._keep()
            with self._moving:
                self._move(self._unmoved)

    def _keep(self) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        end = f"_{self._identity()}.db"
        present = {each.name for each in self._directory.iterdir() if each.name.endswith(end)}
        if self._known <= present:
            self._known = present
            return
        _logger.warning("metrics were removed from %s and are written again", self._directory)
        with self._alone():  # a reader must not see counts twice
            self._known = self._written_again(end, present)

    def _written_again(self, end: str, present: set[str]) -> set[str]:
        """Write files with the present end again under a new one, and return their names.

        Raises:
            OSError: one cannot be written; then none is.
        """
        new_end = f"_{self._identity(1)}.db"
        with ExitStack() as copies:  # which count only once all are there
            written = {}
            for name, file in dict(_open_files(end)).items():  # each is open twice
                written[name.replace(end, new_end)] = copy = self._directory / f"{name}.copy"
                copies.callback(copy.unlink, missing_ok=True)
                shutil.copyfile(file, copy)
            with self._moving:
                for name, copy in written.items():
                    copies.callback((self._directory / name).unlink, missing_ok=True)
                    copy.rename(self._directory / name)
                copies.pop_all()
                # Only now: the library opens files of the new name once another thread counts.
                self._generation += 1
                self._own.clear()
                self._move(self._cells)
        for name in present:
            (self._directory / name).unlink(missing_ok=True)
        return set(written)

    def _move(self, counting: Iterable[tuple[str, Cells, Sequence[str]]]) -> None:
        """Have cells count in this generation's files; those without room are tried again later."""
        counting, self._unmoved = [*counting], []
        for kind, cells, keys in counting:
            self._move_one(kind, cells, keys)

    def _move_one(self, kind: str, cells: Cells, keys: Sequence[str]) -> None:
        if not cells.move(self._file(kind), keys):
            self._unmoved.append((kind, cells, keys))

    def render(self) -> bytes:
        """Return the exposition text: the sum over all workers."""
        self.keep()
        registry = CollectorRegistry()
        registry.register(self)
        with self._alone():
            return generate_latest(registry)

    def collect(self, files: str = "*.db") -> Iterable[Metric]:
        """Return the metrics in files whose names match a pattern, added up over workers."""
        found = self._directory.glob(files)
        # A file of a worker that is just starting may still be empty.
        filled = [str(each) for each in found if each.stat().st_size]
        metrics: Iterable[Metric] = MultiProcessCollector.merge(filled)
        return metrics

    def workers_ready(self) -> float:
        """Return how many workers are ready."""
        with self._alone():
            metrics = list(self.collect("gauge_livesum_*.db"))
        ready = [each for each in metrics if each.name == WORKERS_READY]
        return sum(sample.value for each in ready for sample in each.samples)

    def retire(self, pid: int) -> None:
        """Remove the gauges of a process: it no longer serves."""
        with self._alone():
            for file in _of(self._directory, pid):
                if file.name.startswith("gauge_live"):
                    file.unlink()

    def add_ended(self, pid: int) -> None:
        """Add the counts of a process that ended to those of all that ended before it."""
        self.retire(pid)
        for file in _of(self._directory, pid):
            total = file.with_name(f"{file.stem.rpartition('_')[0]}_{_ENDED}.db")
            new = total.with_suffix(".new")
            try:
                _add(file, total, new)
            except (OSError, ValueError, RuntimeError, struct.error) as error:
                _logger.error("the counts in %s are lost: %s", file.name, error)
                new.unlink(missing_ok=True)
                file.unlink(missing_ok=True)
                continue
            with self._alone():  # a reader must not see counts twice
                new.replace(total)
                file.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold off other processes; one that hangs is waited for a second."""
        with ExitStack() as held:
            with suppress(OSError):
                held.enter_context(locked(self._directory, monotonic() + _PATIENCE_S))
            yield


class EndedWorkers:
    """What a supervisor knows of workers that ended by themselves."""

    def __init__(self, directory: Path) -> None:
        """Takes the directory of all workers."""
        self._files = WorkerFiles(directory)
        self._failures = worker_failures(CollectorRegistry())

    def add(self, pid: int, stage: str) -> None:
        """Count a worker that ended at one of `STAGES_OF_FAILURE`, and keep its counts.

        Raises:
            OSError: the directory cannot be written, so that its end is not counted.
        """
        self._files.add_ended(pid)  # first: it needs no room that it does not give back
        self._files.keep()
        self._failures.labels(stage).inc()


def _of(directory: Path, pid: int) -> list[Path]:
    """The files of a process."""
    files = directory.glob("*.db")
    return [file for file in files if file.stem.rpartition("_")[2].split("-")[0] == str(pid)]


def _open_files(end: str) -> Iterator[tuple[str, Path]]:
    """The open files of this process whose names had this end, also if they were removed."""
    for link in _OPEN_FILES.iterdir():
        with suppress(OSError):  # a connection that was closed meanwhile
            name = link.readlink().name.removesuffix(" (deleted)")
            if name.endswith(end):
                yield name, link


def _add(file: Path, total: Path, new: Path) -> None:
    """Write the sums of two files to a new one; of gauges, the most recent values."""
    new.unlink(missing_ok=True)
    values = list(MetricFile.read_all_values_from_file(str(file)))
    if not total.exists():
        new.hardlink_to(file)  # which takes no room
        return
    shutil.copyfile(total, new)
    both = MetricFile(str(new))
    for key, value, at, _ in values:
        before, at_before = both.read_value(key)
        if not file.name.startswith("gauge_"):
            both.write_value(key, before + value, 0.0)
        elif at > at_before:
            both.write_value(key, value, at)
    both.close()
