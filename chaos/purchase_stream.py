"""Workers that are killed while they are told of purchases: what becomes of the events."""

import os
import signal
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag
from typing import NamedTuple

import httpx
import pyarrow.parquet as pq
from rich.table import Table

from bench.processes import CORES
from bench.running import SERVE, running
from service.bundle import load_bundle

__all__ = ["Killed", "as_table", "exported", "kill_workers"]

_WORKERS, _TELLERS, _BATCH = 2, 2, 7
_ASKED = 8  # times for each profile, on connections that any worker may take
_EXPORT_EVERY_S = "0.3"


@dataclass(frozen=True)
class Killed:
    """Events that were told while one worker after another was killed.

    Attributes:
        kills: how many were.
        events: how many the service has acknowledged.
        sent_again: batches that nobody had acknowledged.
        lost: events that were acknowledged, and are in no Parquet file.
        doubled: events that are in the files once more than they should be.
        miscounted: profiles, as all workers tell them, that do not count every event once.
    """

    kills: int
    events: int
    sent_again: int
    lost: int
    doubled: int
    miscounted: int

    @property
    def survived(self) -> bool:
        """Whether each event counts, once."""
        return not (self.lost or self.doubled or self.miscounted)


class _Told(NamedTuple):
    shopper: str
    event_ids: list[str]
    sent_again: int


def kill_workers(bundle: Path, kills: int) -> Killed:
    """Kill workers with SIGKILL, each when the one before has been replaced."""
    item_id = load_bundle(bundle).catalogue.item_ids[0]
    with TemporaryDirectory(prefix="rtt2vec-events-") as kept:
        flags = ("--events", kept, "--events-export-every-s", _EXPORT_EVERY_S)
        with running(SERVE, bundle, set(CORES), _WORKERS, flags) as service:
            over = Flag()
            with ThreadPoolExecutor(_TELLERS) as threads:
                shoppers = [f"shopper {number}" for number in range(_TELLERS)]
                telling = [
                    threads.submit(_tell, service.url, shopper, item_id, over)
                    for shopper in shoppers
                ]
                try:
                    for _ in range(kills):
                        _replace(service.url, service.workers[0])
                finally:
                    over.set()
            told = [each.result() for each in telling]
            miscounted = sum(_miscounted(service.url, each) for each in told)
        found = exported(Path(kept))  # the rest of them when it ended
    acknowledged = {event_id for each in told for event_id in each.event_ids}
    return Killed(
        kills=kills,
        events=len(acknowledged),
        sent_again=sum(each.sent_again for each in told),
        lost=len(acknowledged - found.keys()),
        doubled=found.total() - len(found),
        miscounted=miscounted,
    )


def _replace(url: str, pid: int) -> None:
    """Kill a worker, and return once there is another in its place."""
    os.kill(pid, signal.SIGKILL)
    while _ready(url) == _WORKERS:
        time.sleep(0.01)  # nothing tells
    while _ready(url) < _WORKERS:
        time.sleep(0.01)


def _ready(url: str) -> float:
    try:
        lines = httpx.get(f"{url}/metrics").text.splitlines()
    except httpx.TransportError:
        return 0  # who should have answered was killed
    samples = dict(line.rpartition(" ")[::2] for line in lines)
    return float(samples["rtt2vec_workers_ready"])


def _tell(url: str, shopper: str, item_id: str, over: Flag) -> _Told:
    """Send batches, each until it is acknowledged; every event is a basket of its own."""
    told = _Told(shopper, [], 0)
    with httpx.Client(base_url=url, timeout=30) as client:
        for number in count():
            if over.is_set():
                break
            event_ids = [f"{shopper}, batch {number}, {each}" for each in range(_BATCH)]
            at = datetime.now(UTC).isoformat()
            events = [
                {"event_id": e, "user_id": shopper, "basket_id": e, "item_id": item_id}
                | {"timestamp": at}
                for e in event_ids
            ]
            while not _acknowledged(client, events):
                told = told._replace(sent_again=told.sent_again + 1)
            told.event_ids.extend(event_ids)
    return told


def _acknowledged(client: httpx.Client, events: list[dict[str, str]]) -> bool:
    try:
        return client.post("/events", json={"events": events}).status_code == 200
    except httpx.TransportError:
        return False


def _miscounted(url: str, told: _Told) -> int:
    counts = []
    for _ in range(_ASKED):
        profile = httpx.get(f"{url}/users/{told.shopper}/profile").json()
        counts.append(sum(each["count"] for each in profile["categories"]))
    return sum(each != len(told.event_ids) for each in counts)


def exported(directory: Path) -> Counter[str]:
    """How often each event is in the files."""
    files = directory.rglob("*.parquet")
    columns = [pq.ParquetFile(file).read(["event_id"])["event_id"] for file in files]
    return Counter(event_id for column in columns for event_id in column.to_pylist())


def as_table(killed: Killed) -> Table:
    """What became of the events, for `rich` to print."""
    columns = ("fault", "events", "batches sent again", "lost", "doubled", "miscounted", "survived")
    table = Table(*columns)
    table.add_row(
        f"kill -9 of a worker, {killed.kills} times",
        f"{killed.events:,}",
        str(killed.sent_again),
        str(killed.lost),
        str(killed.doubled),
        str(killed.miscounted),
        "yes" if killed.survived else "no",
    )
    return table
