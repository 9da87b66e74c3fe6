"""The metrics of several workers, some of which end."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from service.supervision.start_checks import WORKER_BYTES
from tests.service.conftest import Served


@pytest.fixture
def served(serve: Callable[..., Served]) -> Served:
    """Two workers."""
    return serve("--workers", "2")


def directory(served: Served) -> Path:
    """Where the workers keep their metrics."""
    environment = Path(f"/proc/{served.workers[0]}/environ").read_text().split("\0")
    name, found = "PROMETHEUS_MULTIPROC_DIR=", [e for e in environment if e.startswith("PROM")]
    return Path(found[0].removeprefix(name))


def ask(served: Served, times: int) -> None:
    """Ask on connections of their own, which any worker may take, until all are counted."""
    before = answered(served)
    for _ in range(times):
        httpx.post(f"{served.url}/recommend", json={}).raise_for_status()
    while answered(served) < before + times:  # a request is counted after it was answered
        pass


def answered(served: Served) -> float:
    """How many recommendations all workers have counted."""
    return counted(served, 'rtt2vec_requests_total{route="/recommend",status="200"} ')


def timed(served: Served) -> tuple[float, float]:
    """How many recommendations have a duration, and how many a number of candidates."""
    durations = 'rtt2vec_request_duration_seconds_count{route="/recommend"} '
    return counted(served, durations), counted(served, "rtt2vec_candidates_count ")


def counted(served: Served, name: str) -> float:
    """What all workers have counted under a name."""
    lines = httpx.get(f"{served.url}/metrics").raise_for_status().text.splitlines()
    return sum(float(line.removeprefix(name)) for line in lines if line.startswith(name))


def kill_and_await(served: Served, worker: int) -> None:
    """Kill a worker, and return once another one has taken its place."""
    ready = served.log.read_text().count("Application startup complete")
    os.kill(served.workers[worker], signal.SIGKILL)
    served.await_logged("Application startup complete", ready + 1)


def test_the_counts_of_workers_that_ended_are_added_up(served: Served) -> None:
    for kills in range(4):
        ask(served, 10)
        kill_and_await(served, kills % 2)
        assert answered(served) == 10 * (kills + 1)
        assert timed(served) == (10 * (kills + 1),) * 2
        if not kills:
            files = {each.name for each in directory(served).iterdir()}
    assert len({each.name for each in directory(served).iterdir()}) == len(files)
    for worker in served.workers:
        own = directory(served).glob(f"*_{worker}-*.db")
        assert 0 < sum(each.stat().st_size for each in own) <= WORKER_BYTES


def test_a_directory_that_was_removed_is_made_again(served: Served) -> None:
    ask(served, 20)
    shutil.rmtree(directory(served))
    while answered(served) != 20:  # once both workers have seen it
        pass
    ask(served, 20)
    assert answered(served) == 40
    assert timed(served) == (40, 40)
    kill_and_await(served, 0)
    ask(served, 20)
    assert answered(served) == 60


def test_a_file_that_was_removed_is_written_again(served: Served) -> None:
    ask(served, 20)
    for each in directory(served).glob("counter_*.db"):
        each.unlink()
    while answered(served) != 20:
        pass


# Counts, while its files are written again, as another thread does at any moment.
COUNTING = """
import shutil, sys
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter
from service.telemetry.workers import WorkerFiles

directory = Path(sys.argv[1])
files = WorkerFiles(directory)
counter = Counter("seen", "Seen.", ["number"], registry=CollectorRegistry())
for number in range(100):
    counter.labels(number).inc()
files.keep()
(counts,) = directory.iterdir()
counts.unlink()

def copy_later(*paths):
    counter.labels(0).inc()
    copy(*paths)

copy, shutil.copyfile = shutil.copyfile, copy_later
files.keep()
counter.labels(1).inc()
(seen,) = files.collect()
print(sorted(int(each.value) for each in seen.samples))
"""

# Counts something for the first time, while another thread writes the file again.
NEW = """
import sys
from pathlib import Path
from threading import Thread
from prometheus_client import CollectorRegistry
from service.telemetry.cells import Cells
from service.telemetry.counts import Counts
from service.telemetry.workers import WorkerFiles

files = WorkerFiles(Path(sys.argv[1]))
counts = Counts("seen", "Seen.", CollectorRegistry(), files, ["name"])
counts.of("old").add()
files.keep()
(file,) = Path(sys.argv[1]).iterdir()
file.unlink()

def move_late(*given):
    Cells.move = move
    keeping = Thread(target=files.keep)
    keeping.start()
    keeping.join(0.2)  # it may have to wait for this one
    move(*given)

move, Cells.move = Cells.move, move_late
new = counts.of("new")
files.keep()  # after the other thread
new.add()
(seen,) = files.collect()
print({each.labels["name"]: each.value for each in seen.samples})
"""

# Writes files again whose copying fails, at each of them in turn, after a part was written.
FAILING = """
import shutil, sys
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter, Histogram
from service.telemetry.workers import WorkerFiles

directory = Path(sys.argv[1])
files = WorkerFiles(directory)
Counter("seen", "Seen.", registry=(registry := CollectorRegistry())).inc()
Histogram("took", "Took.", registry=registry).observe(1)
files.keep()
removed = next(directory.glob("histogram_*.db"))
removed.unlink()

def fail(source, target):
    copied.append(target)
    copy(source, target)
    if len(copied) == failing:
        raise OSError("no space left")

def counts():
    samples = [sample for metric in files.collect() for sample in metric.samples]
    names = ("seen_total", "took_sum")
    return [sample.value for name in names for sample in samples if sample.name == name]

copy, shutil.copyfile = shutil.copyfile, fail
before = sorted(directory.iterdir())
for failing in (1, 2, 3):
    copied = []
    try:
        files.keep()
    except OSError:
        print(counts(), sorted(directory.iterdir()) == before)
print(counts())
"""

# Counts another kind of thing for the first time, before the file of the first kind is removed.
ANOTHER = """
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter, Histogram
from service.telemetry.workers import WorkerFiles

directory = Path(sys.argv[1])
files = WorkerFiles(directory)
Counter("seen", "Seen.", registry=(registry := CollectorRegistry())).inc()
files.keep()
(removed,) = directory.glob("*.db")
Histogram("took", "Took.", registry=registry).observe(1)
removed.unlink()
files.keep()
samples = [sample for metric in files.collect() for sample in metric.samples]
print(sorted(each.name for each in samples if each.value and each.name.endswith(("total", "sum"))))
"""


def counted_by(code: str, folder: Path) -> str:
    """What a program prints that counts in files of a folder."""
    command = [sys.executable, "-c", code, str(folder)]
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    return subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_what_is_counted_while_files_are_written_again_harms_no_other_count(
    tmp_path: Path,
) -> None:
    assert counted_by(COUNTING, tmp_path) == f"{[1] * 98 + [2, 2]}\n"


def test_a_count_that_is_new_while_files_are_written_again_is_kept(tmp_path: Path) -> None:
    assert counted_by(NEW, tmp_path) == "{'old': 1.0, 'new': 1.0}\n"


def test_files_that_cannot_be_written_again_harm_no_other_count(tmp_path: Path) -> None:
    assert counted_by(FAILING, tmp_path) == "[1.0] True\n[1.0] True\n[1.0, 1.0]\n"


def test_a_kind_of_count_that_is_new_is_kept_when_files_are_written_again(tmp_path: Path) -> None:
    assert counted_by(ANOTHER, tmp_path) == "['seen_total', 'took_sum']\n"


def test_a_file_that_is_damaged_costs_its_own_counts_alone(served: Served) -> None:
    ask(served, 20)
    (directory(served) / "counter_4711-0.db").write_bytes(b"")  # of a worker that has just begun
    assert answered(served) == 20
    worker = served.workers[0]
    (file,) = directory(served).glob(f"counter_{worker}-*.db")
    file.write_bytes(b"\xff" * 8)
    kill_and_await(served, 0)
    assert answered(served) <= 20
