"""Events outlive kill -9: none is lost, and none counts twice.

Run as a script, this file is the writer that gets killed.
"""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event as Flag
from typing import Any

import httpx
import numpy as np
import pyarrow.parquet as pq

from service.events.event import Event
from service.events.journal import Journal
from service.events.parquet import ParquetFiles

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
BATCH, KILLS, USERS, SENDERS = 7, 30, 5, 2


def event(number: int) -> dict[str, Any]:
    """Each is a basket of its own."""
    name, user_id = f"e{number}", f"shopper-{number % USERS}"
    ids = {"event_id": name, "user_id": user_id, "basket_id": name, "item_id": "item-8"}
    return ids | {"timestamp": AT}


def sent(number: int) -> dict[str, Any]:
    """As it goes over the wire."""
    return event(number) | {"timestamp": AT.isoformat()}


def exported(directory: Path) -> list[str]:
    """The event ids in all files, sorted."""
    files = directory.rglob("*.parquet")
    columns = [pq.ParquetFile(file).read(["event_id"])["event_id"].to_pylist() for file in files]
    return sorted(event_id for column in columns for event_id in column)


def test_journal_and_files_after_kills_at_any_time(tmp_path: Path) -> None:
    told = subprocess.run(
        [sys.executable, __file__, tmp_path], check=True, capture_output=True, timeout=300
    )
    acknowledged = int(told.stdout)
    assert acknowledged >= BATCH * KILLS
    journal = Journal(tmp_path)
    ParquetFiles(tmp_path / "parquet", journal).export()
    found = exported(tmp_path)
    # The batch that the last kill interrupted may be there, whole, or not.
    assert len(found) in (acknowledged, acknowledged + BATCH)
    assert found == sorted(f"e{number}" for number in range(len(found)))
    assert sum(len(journal.purchases(f"shopper-{u}")) for u in range(USERS)) == len(found)
    journal.close()


def test_service_whose_workers_are_killed(serve: Callable[..., Any], tmp_path: Path) -> None:
    kept = tmp_path / "events"
    flags = ("--workers", "2", "--events", str(kept), "--events-export-every-s", "0.3")
    served = serve(*flags)
    over = Flag()
    with ThreadPoolExecutor(SENDERS) as senders:
        counts = [senders.submit(send_until, over, served.url, sender) for sender in range(SENDERS)]
        for kill in range(2):
            pid = served.process.pid
            children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
            os.kill(int(children[-1 - kill]), signal.SIGKILL)
            served.await_workers(3 + kill)
        over.set()
        numbers = [number for each in counts for number in each.result()]
    expected = Counter(f"shopper-{number % USERS}" for number in numbers)
    for user_id, baskets in expected.items():
        for _ in range(6):  # each on a connection of its own, which any of the workers may take
            profile = httpx.get(f"{served.url}/users/{user_id}/profile").json()
            assert profile["categories"] == [{"category": "bakery", "count": baskets}]
    served.process.terminate()
    served.process.wait()
    assert exported(kept) == sorted(f"e{number}" for number in numbers)


def send_until(over: Flag, url: str, sender: int) -> list[int]:
    """Send batches, each until it is acknowledged, and return the numbers of their events."""
    numbers: list[int] = []
    with httpx.Client(base_url=url, timeout=30) as client:
        while not over.is_set():
            start = sender * 1_000_000 + len(numbers)
            batch = range(start, start + BATCH)
            while not acknowledged(client, [sent(number) for number in batch]):
                pass
            numbers += batch
    return numbers


def acknowledged(client: httpx.Client, events: list[dict[str, Any]]) -> bool:
    """Whether they were; a worker may be killed over them."""
    try:
        return client.post("/events", json={"events": events}).status_code == 200
    except httpx.TransportError:
        return False


def write_until_killed(directory: Path, start: int, acknowledged: int) -> None:
    journal = Journal(directory)
    files = ParquetFiles(directory / "parquet", journal)
    for first in count(start, BATCH):
        journal.append([Event(**event(number)) for number in range(first, first + BATCH)])
        os.write(acknowledged, b"!")
        if first % 2:
            files.export()


def main(directory: Path) -> None:
    """Kill writers, each at another moment, and print how many events they acknowledged."""
    moments = np.random.default_rng(5)
    done = 0
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
