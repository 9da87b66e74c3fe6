"""What the tests of events share."""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.events.event import RawEvent
from service.events.stream import PurchaseStream
from service.settings import Settings
from tests.data.kafka_cluster import Cluster

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ahead(minutes: float) -> str:
    """The time on a clock that is wrong by so much."""
    return (NOW + timedelta(minutes=minutes)).isoformat()


def raw(number: int = 1, **changes: Any) -> RawEvent:
    """A purchase as it is sent at noon."""
    event = {
        "event_id": f"e{number}",
        "user_id": "user-0",
        "basket_id": "b",
        "item_id": "item-1",
        "timestamp": "2026-01-31T12:00:00Z",
    }
    return RawEvent("http", json.dumps(event | changes).encode())


def letters(directory: Path) -> list[dict[str, str]]:
    """What lies among the dead letters."""
    path = directory / "dead_letters.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def kept(stream: PurchaseStream) -> list[str]:
    """The ids of the events that a stream has stored."""
    with stream.journal.held() as db:
        return [row[0] for row in db.execute("SELECT event_id FROM events ORDER BY event_id")]


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """What has been forced to the disk, in this order; it is forced there as ever."""
    paths: list[Path] = []
    fsync = os.fsync

    def noted(descriptor: int) -> None:
        fsync(descriptor)
        paths.append(Path(f"/proc/self/fd/{descriptor}").readlink())

    monkeypatch.setattr(os, "fsync", noted)
    return paths


@pytest.fixture
def cluster() -> Cluster:
    """Brokers without a topic."""
    return Cluster()


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[PurchaseStream]:
    """A purchase stream with the default settings."""
    stream = PurchaseStream(tmp_path, Settings())
    yield stream
    stream.close()
