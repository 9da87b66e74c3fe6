"""Faults of workers that take in purchases."""

import os
import signal
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag

import httpx

from bench.processes import CORES
from bench.serving.load import Generator
from bench.serving.running import SERVE, Running, running
from chaos.outcome import Outcome
from chaos.purchases import Sent, exported, sending
from chaos.trial import CONNECTIONS, Trial, awaited, metric
from service.bundle.bundle import load_bundle
from service.events.journal import PURCHASES_READ

__all__ = ["outcomes"]

_WORKERS = 2
_READS = 8  # of each profile, on connections that any worker may accept
_EXPORT_EVERY_S = "0.3"
_AT_MOST_MS = 50  # one worker does the work of two while another one starts


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


def _kill_and_send(service: Running, trial: Trial, item_id: str) -> tuple[Outcome, list[Sent], int]:
    enough = Flag()
    killing: list[Future[int]] = []
    with sending(service.url, item_id) as senders, ThreadPoolExecutor(1) as thread:
        try:
            found = trial.outcome(
                "workers are killed (-9)",
                lambda: killing.append(thread.submit(_kill, service, enough)),
                enough.set,
                _AT_MOST_MS,
            )
        finally:
            enough.set()
    return found, [each.result() for each in senders], killing[0].result()


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


def _miscounted(url: str, sent: Sent) -> int:
    """Number of profiles that do not count each of the newest PURCHASES_READ events once."""
    counts = []
    for _ in range(_READS):
        profile = httpx.get(f"{url}/users/{sent.user_id}/profile").json()
        counts.append(sum(each["count"] for each in profile["categories"]))
    return sum(each != min(len(sent.event_ids), PURCHASES_READ) for each in counts)
