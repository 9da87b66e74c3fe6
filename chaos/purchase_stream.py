"""Faults of workers that take in purchases."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag
from typing import NamedTuple

import httpx
import pyarrow.parquet as pq

from bench.load import Generator
from bench.processes import CORES
from bench.running import SERVE, Running, running
from chaos.outcome import Outcome
from chaos.trial import CONNECTIONS, Trial, awaited, metric
from service.bundle.bundle import load_bundle
from service.events.journal import PURCHASES_READ

__all__ = ["exported", "outcomes"]

_WORKERS, _SENDERS, _BATCH = 2, 2, 7
_READS = 8  # of each profile, on connections that any worker may accept
_EXPORT_EVERY_S = "0.3"
_AT_MOST_MS = 50  # one worker does the work of two while another one starts


class _Sent(NamedTuple):
    """The events of a user that were acknowledged, and the number of batches sent again."""

    user_id: str
    event_ids: list[str]
    sent_again: int


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """Kill one worker after another, while they recommend and take in purchases."""
    item_id = load_bundle(bundle).catalogue.item_ids[0]
    with TemporaryDirectory(prefix="rtt2vec-events-") as kept:
        flags = ("--events", kept, "--events-export-every-s", _EXPORT_EVERY_S)
        with running(SERVE, bundle, set(CORES), _WORKERS, flags) as service:
            trial = Trial(service.url, load, rate, seconds)
            found, sent, kills = _kill_and_send(service, trial, item_id)
            miscounted = sum(_miscounted(service.url, each) for each in sent)
        files = exported(Path(kept))  # the service exports the rest when it ends
    acknowledged = {event_id for each in sent for event_id in each.event_ids}
    again = sum(each.sent_again for each in sent)
    yield replace(
        found,
        may_fail=kills * CONNECTIONS,  # a killed worker drops the requests that it has begun
        lost=len(acknowledged - files.keys()),
        doubled=files.total() - len(files),
        kept=not miscounted,
        remark=f"{kills} killed, {len(acknowledged):,} events, {again} batches sent again, "
        f"{miscounted} profiles miscounted",
    )


def _kill_and_send(
    service: Running, trial: Trial, item_id: str
) -> tuple[Outcome, list[_Sent], int]:
    over, enough = Flag(), Flag()
    killing: list[Future[int]] = []
    with ThreadPoolExecutor(_SENDERS + 1) as threads:
        users = [f"user {number}" for number in range(_SENDERS)]
        sending = [threads.submit(_send, service.url, each, item_id, over) for each in users]
        try:
            found = trial.outcome(
                "workers are killed (-9)",
                lambda: killing.append(threads.submit(_kill, service, enough)),
                enough.set,
                _AT_MOST_MS,
            )
        finally:
            enough.set()
            over.set()
    return found, [each.result() for each in sending], killing[0].result()


def _kill(service: Running, enough: Flag) -> int:
    """Kill workers in turn, each once the last one was replaced; returns the number of kills."""
    kills = 0
    while not (kills and enough.is_set()):
        os.kill(service.workers[kills % _WORKERS], signal.SIGKILL)
        kills += 1
        awaited(lambda: _ready(service) != _WORKERS or None, "the end of a worker")
        awaited(lambda: _ready(service) == _WORKERS or None, "another one in its place")
    return kills


def _ready(service: Running) -> float | None:
    return metric(service.url, "rtt2vec_workers_ready")


def _send(url: str, user_id: str, item_id: str, over: Flag) -> _Sent:
    """Send batches, each until it is acknowledged; every event is a basket of its own."""
    sent = _Sent(user_id, [], 0)
    with httpx.Client(base_url=url, timeout=30) as client:
        for number in count():
            if over.is_set():
                break
            event_ids = [f"{user_id}, batch {number}, {each}" for each in range(_BATCH)]
            at = datetime.now(UTC).isoformat()
            events = [
                {"event_id": e, "user_id": user_id, "basket_id": e, "item_id": item_id}
                | {"timestamp": at}
                for e in event_ids
            ]
            while not _acknowledged(client, events):
                sent = sent._replace(sent_again=sent.sent_again + 1)
            sent.event_ids.extend(event_ids)
    return sent


def _acknowledged(client: httpx.Client, events: list[dict[str, str]]) -> bool:
    try:
        return client.post("/events", json={"events": events}).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def _miscounted(url: str, sent: _Sent) -> int:
    """Number of profiles that do not count each of the newest PURCHASES_READ events once."""
    counts = []
    for _ in range(_READS):
        profile = httpx.get(f"{url}/users/{sent.user_id}/profile").json()
        counts.append(sum(each["count"] for each in profile["categories"]))
    return sum(each != min(len(sent.event_ids), PURCHASES_READ) for each in counts)


def exported(directory: Path) -> Counter[str]:
    """Number of times that each event is in the exported files."""
    files = directory.rglob("*.parquet")
    columns = [pq.ParquetFile(file).read(["event_id"])["event_id"] for file in files]
    return Counter(event_id for column in columns for event_id in column.to_pylist())
