"""After kill -9 of a writer, no event is lost and none is there twice.

Run as a module, this file is the writer that gets killed.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from chaos.purchases import exported
from service.events.event import Event
from service.events.journal import Journal
from service.events.parquet import ParquetFiles

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
BATCH, KILLS = 7, 30
EACH = 500  # events of a user


def event(number: int) -> dict[str, Any]:
    """Each is a basket of its own; neighbours are of different days."""
    name, user_id = f"e{number}", f"shopper-{number // EACH}"
    ids = {"event_id": name, "user_id": user_id, "basket_id": name, "item_id": "item-8"}
    return ids | {"timestamp": AT + timedelta(days=number % 3)}


def test_journal_and_files_after_kills_at_any_time(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.service.events.test_killed", str(tmp_path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, timeout=300)
    acknowledged = int(done.stdout)
    assert acknowledged >= BATCH * KILLS
    journal = Journal(tmp_path)
    ParquetFiles(tmp_path / "parquet", journal).export()
    found = exported(tmp_path)
    # The batch that the last kill interrupted may be there, whole, or not.
    assert len(found) in (acknowledged, acknowledged + BATCH)
    assert found == {f"e{number}": 1 for number in range(len(found))}
    users = range(len(found) // EACH + 1)
    assert sum(len(journal.purchases(f"shopper-{user}")) for user in users) == len(found)
    journal.close()


def write_until_killed(directory: Path, start: int, acknowledged: int) -> None:
    journal = Journal(directory)
    files = ParquetFiles(directory / "parquet", journal)
    for first in count(start, BATCH):
        journal.append([Event(**event(number)) for number in range(first, first + BATCH)])
        os.write(acknowledged, b"!")
        if first % 2:
            files.export()


def write_one(directory: Path) -> None:
    """What is slow the first time would else be all that a kill interrupts."""
    journal = Journal(directory / "other")
    journal.append([Event(**event(0))])
    ParquetFiles(directory / "other" / "parquet", journal).export()
    journal.close()
    shutil.rmtree(directory / "other")


def main(directory: Path) -> None:
    """Kill writers, each at another moment, and print how many events they acknowledged."""
    moments = np.random.default_rng(5)
    done = 0
    write_one(directory)
    for _ in range(KILLS):
        reading, writing = os.pipe()
        if not (child := os.fork()):
            write_until_killed(directory, done, writing)
        os.close(writing)
        done += BATCH * len(os.read(reading, 1))
        time.sleep(moments.uniform(0, 0.1))
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        while more := os.read(reading, 1000):
            done += BATCH * len(more)
        os.close(reading)
    print(done)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
