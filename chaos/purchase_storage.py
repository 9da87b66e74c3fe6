"""Faults of what a service needs to keep purchases: its disk, its journal, Kafka's brokers."""

import re
import resource
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Event as Flag
from time import perf_counter

import orjson

from bench.processes import CORES
from bench.serving.load import Generator
from bench.serving.running import SERVE, Running, running
from chaos.broker import Broker, broker
from chaos.outcome import Outcome
from chaos.purchases import exported, purchase, sending
from chaos.trial import Trial, awaited, metric
from service.bundle.bundle import load_bundle

__all__ = ["outcomes"]

_TOPIC = "purchases"
_AT_MOST_MS = 50
_BETWEEN_S = 0.02  # two messages
_ROOM_BYTES = 4096  # of a file that is still written on a full disk


class _Service:
    """A service that takes in purchases over HTTP and from brokers."""

    def __init__(self, running: Running, brokers: Broker, events: Path, item_id: str) -> None:
        self.url, self.pid = running.url, running.pid
        self.brokers = brokers
        self.events = events
        self.item_id = item_id

    def await_consuming(self, consuming: bool) -> None:
        """Return once the metric has this value."""
        name = f'rtt2vec_kafka_consuming{{topic="{_TOPIC}"}}'
        awaited(lambda: metric(self.url, re.escape(name)) == consuming or None, name)

    def not_kept(self) -> float:
        """Number of batches that were not kept so far."""
        name = 'rtt2vec_events_batches_not_kept_total{{cause="{}"}}'
        names = (name.format(cause) for cause in ("full", "locked", "failed"))
        return sum(metric(self.url, re.escape(name)) or 0 for name in names)

    def await_kept(self, event_ids: list[str]) -> None:
        """Return once all these events are in the journal."""

        def kept() -> bool | None:
            with closing(sqlite3.connect(self.events / "events.sqlite")) as journal:
                found = {row[0] for row in journal.execute("SELECT event_id FROM events")}
            return found.issuperset(event_ids) or None

        awaited(kept, "the events of the topic")


def outcomes(bundle: Path, load: Generator, rate: float, seconds: float) -> Iterator[Outcome]:
    """Fill the disk, lock the journal and halt the brokers, under load and amid purchases."""
    item_id = load_bundle(bundle).catalogue.item_ids[0]
    found: list[tuple[Outcome, set[str]]] = []
    with TemporaryDirectory(prefix="rtt2vec-events-") as kept, broker() as brokers:
        flags = ["--events", kept, "--events-export-every-s", "0.3", "--events-timeout-ms", "300"]
        flags += ["--kafka", brokers.addresses, "--kafka-topic", _TOPIC]
        brokers.send(_TOPIC, _message("the first message", item_id))
        brokers.await_delivery()
        with running(SERVE, bundle, {CORES[0]}, flags=flags) as each:
            service = _Service(each, brokers, Path(kept), item_id)
            trial = Trial(each.url, load, rate, seconds)
            service.await_consuming(True)
            for fault, begin in _FAULTS.items():
                found.append(_outcome(trial, service, fault, begin))
        files = exported(Path(kept))  # the service exports the rest when it ends
    for outcome, acknowledged in found:
        lost = len(acknowledged - files.keys())
        yield replace(outcome, lost=lost, doubled=files.total() - len(files))


def _outcome(
    trial: Trial, service: _Service, fault: str, begin: Callable[[_Service], Callable[[], None]]
) -> tuple[Outcome, set[str]]:
    """Apply a fault while purchases are sent; return the outcome, and what was acknowledged."""
    ends: list[Callable[[], None]] = []
    recovered: list[float] = []
    not_kept = service.not_kept()

    def end() -> None:
        service.await_consuming(False)
        began = perf_counter()
        ends[0]()
        service.await_consuming(True)
        recovered.append(perf_counter() - began)

    with _messages(service, fault) as sent, sending(service.url, service.item_id, fault) as senders:
        outcome = trial.outcome(fault, lambda: ends.append(begin(service)), end, _AT_MOST_MS)
    service.await_kept(sent)
    acknowledged = {event_id for each in senders for event_id in each.result().event_ids}
    not_kept = service.not_kept() - not_kept
    remark = (
        f"{len(acknowledged):,} events over HTTP, {len(sent):,} from the topic, {not_kept:.0f} "
        f"batches not kept, the topic consumed {recovered[0]:.1f} s after the end"
    )
    return replace(outcome, remark=remark), acknowledged | set(sent)


@contextmanager
def _messages(service: _Service, fault: str) -> Iterator[list[str]]:
    """Send a message every few milliseconds while the block runs; give their event ids."""
    sent: list[str] = []
    over = Flag()

    def send() -> None:
        while not over.wait(_BETWEEN_S):
            sent.append(f"{fault}, message {len(sent)}")
            service.brokers.send(_TOPIC, _message(sent[-1], service.item_id))

    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(send)
        try:
            yield sent
        finally:
            over.set()
    sending.result()
    service.brokers.await_delivery()


def _message(event_id: str, item_id: str) -> bytes:
    return orjson.dumps(purchase(event_id, "the user of the topic", item_id))


def _fill_disk(service: _Service) -> Callable[[], None]:
    """Let the service write no file beyond some bytes, as if the disk were full."""
    set_limit = partial(resource.prlimit, service.pid, resource.RLIMIT_FSIZE)
    _, most = limit = set_limit()
    set_limit((_ROOM_BYTES, most))

    def end() -> None:
        set_limit(limit)

    return end


def _lock_journal(service: _Service) -> Callable[[], None]:
    journal = sqlite3.connect(service.events / "events.sqlite", isolation_level=None)
    journal.execute("BEGIN IMMEDIATE")
    return journal.close


def _halt_brokers(service: _Service) -> Callable[[], None]:
    service.brokers.halt()
    return service.brokers.go_on


_FAULTS = {
    "the disk is full": _fill_disk,
    "the journal is locked": _lock_journal,
    "the brokers are halted": _halt_brokers,
}
