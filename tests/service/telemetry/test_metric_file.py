"""Files of metrics on a disk that is full: what counts in them lives on."""

import sys
from pathlib import Path

from tests.data.own_disk import run_on_a_disk

# Counts, fills the disk, and counts more than the files have room for; then there is room again.
FULL = """
import os, sys
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter, generate_latest
from service.telemetry.counts import Counts
from service.telemetry.workers import WorkerFiles

directory = Path(sys.argv[1])
files = WorkerFiles(directory)
registry = CollectorRegistry()
counts = Counts("ours", "Ours.", registry, files, ["name"])
theirs = Counter("theirs", "Theirs.", ["name"], registry=registry)
counts.of("first").add()
theirs.labels("first").inc()
filler = (directory / "filler").open("wb", buffering=0)
try:
    while True:
        filler.write(bytes(4096))
except OSError:
    pass

def total(name):
    return sum(s.value for m in files.collect() for s in m.samples if s.name == f"{name}_total")

for number in range(2000):  # 150 bytes and more for each
    counts.of(str(number)).add()
    theirs.labels(str(number)).inc()
counts.of("first").add()
theirs.labels("first").inc()
files.keep()
print(0 < total("ours") < 2002, 0 < total("theirs") < 2002)
os.truncate(directory / "filler", 0)
files.keep()
for number in range(2000):
    theirs.labels(str(number)).inc()
print(total("ours"), total("theirs"))
"""

# Adds up what a process counted that has ended, on a disk that is full.
ENDED = """
import sys
from contextlib import suppress
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter, Gauge
from service.telemetry.workers import EndedWorkers, WorkerFiles

directory = Path(sys.argv[1])
files = WorkerFiles(directory)
registry = CollectorRegistry()
Counter("seen", "Seen.", registry=registry).inc(3)
Gauge("ready", "Ready.", registry=registry, multiprocess_mode="livesum").set(1)
for file in directory.iterdir():
    kind = file.name.rpartition("_")[0]
    file.rename(directory / f"{kind}_4711-0.db")
with suppress(OSError), (directory / "filler").open("wb", buffering=0) as filler:
    while True:
        filler.write(bytes(4096))
with suppress(OSError):  # of its own count of ends
    EndedWorkers(directory).add(4711, "running")
print(sorted((s.name, s.value) for m in files.collect() for s in m.samples if s.value))
"""

# Opens a file on a disk that has no room for it.
OPEN = """
import sys
from pathlib import Path
from prometheus_client import CollectorRegistry, Counter
from service.telemetry.workers import WorkerFiles

WorkerFiles(Path(sys.argv[1]))
try:
    Counter("seen", "Seen.", registry=CollectorRegistry()).inc()
except OSError as error:
    print(error.strerror)
"""


def on_a_disk(size: str, code: str, folder: Path) -> str:
    """What a program prints that counts in a folder on a disk of its own."""
    command = (sys.executable, "-c", code, folder)
    variable = {"PROMETHEUS_MULTIPROC_DIR": str(folder)}
    done = run_on_a_disk(f"size={size}", folder, *command, **variable)
    assert done.returncode == 0, done
    return done.stdout


def test_what_has_no_room_is_counted_once_there_is_some(tmp_path: Path) -> None:
    assert on_a_disk("1m", FULL, tmp_path) == "True True\n2002.0 4002.0\n"


def test_what_an_ended_worker_counted_is_kept_without_room(tmp_path: Path) -> None:
    assert on_a_disk("1m", ENDED, tmp_path) == "[('seen_total', 3.0)]\n"


def test_a_file_without_room_is_refused_before_anything_counts_in_it(tmp_path: Path) -> None:
    assert on_a_disk("40k", OPEN, tmp_path) == "No space left on device\n"
