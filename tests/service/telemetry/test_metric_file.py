"""Files of metrics on a disk that is full: what counts in them lives on."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

MOUNT = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]

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
    script = f'mount -t tmpfs -o size={size} none "$0" && exec "$@"'
    tried = subprocess.run([*MOUNT, script, folder, "true"], stderr=subprocess.DEVNULL, check=False)
    if tried.returncode:
        pytest.skip("no disk of its own can be mounted here")
    done = subprocess.run(
        [*MOUNT, script, folder, sys.executable, "-c", code, folder],
        env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(folder)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout


def test_what_has_no_room_is_counted_once_there_is_some(tmp_path: Path) -> None:
    assert on_a_disk("1m", FULL, tmp_path) == "True True\n2002.0 4002.0\n"


def test_a_file_without_room_is_refused_before_anything_counts_in_it(tmp_path: Path) -> None:
    assert on_a_disk("40k", OPEN, tmp_path) == "No space left on device\n"
