"""Purchases that are sent to a service, and counted in the files that it exports."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from threading import Event as Flag
from typing import NamedTuple

import httpx
import pyarrow.parquet as pq

__all__ = ["Sent", "exported", "purchase", "sending"]

_SENDERS, _BATCH = 2, 7
_PAUSE_S = 0.1  # before a batch is sent again


class Sent(NamedTuple):
    """The events of a user that were acknowledged, and the number of batches sent again."""

    user_id: str
    event_ids: list[str]
    sent_again: int


@contextmanager
def sending(url: str, item_id: str, prefix: str = "user") -> Iterator[list[Future[Sent]]]:
    """Send purchases of some users, each until it is acknowledged, while the block runs."""
    over = Flag()
    users = [f"{prefix} {number}" for number in range(_SENDERS)]
    with ThreadPoolExecutor(_SENDERS) as threads:
        try:
            yield [threads.submit(_send, url, each, item_id, over) for each in users]
        finally:
            over.set()


def purchase(event_id: str, user_id: str, item_id: str) -> dict[str, str]:
    """Return an event of this moment; it is a basket of its own."""
    ids = {"event_id": event_id, "user_id": user_id, "basket_id": event_id, "item_id": item_id}
    return ids | {"timestamp": datetime.now(UTC).isoformat()}


def _send(url: str, user_id: str, item_id: str, over: Flag) -> Sent:
    sent = Sent(user_id, [], 0)
    with httpx.Client(base_url=url, timeout=30) as client:
        for number in count():
            if over.is_set():
                break
            event_ids = [f"{user_id}, batch {number}, {each}" for each in range(_BATCH)]
            events = [purchase(event_id, user_id, item_id) for event_id in event_ids]
            while not _acknowledged(client, events):
                sent = sent._replace(sent_again=sent.sent_again + 1)
                over.wait(_PAUSE_S)
            sent.event_ids.extend(event_ids)
    return sent


def _acknowledged(client: httpx.Client, events: list[dict[str, str]]) -> bool:
    try:
        return client.post("/events", json={"events": events}).status_code == httpx.codes.OK
    except httpx.TransportError:
        return False


def exported(directory: Path) -> Counter[str]:
    """Number of times that each event is in the exported files."""
    files = directory.rglob("*.parquet")
    columns = [pq.ParquetFile(file).read(["event_id"])["event_id"] for file in files]
    return Counter(event_id for column in columns for event_id in column.to_pylist())
