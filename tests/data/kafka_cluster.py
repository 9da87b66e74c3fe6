"""Kafka: brokers that speak the real protocol, librdkafka's mock cluster."""

import json
import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from confluent_kafka import Producer

from service.events.event import RawEvent
from service.events.kafka.consuming import KafkaEvents
from service.events.observer import Observer
from service.settings import Settings

TOPIC = "purchases"
_PATIENCE_S = 300  # rather than for ever


def event(number: int) -> bytes:
    """Return a message: one of three shoppers buys item 8, in a basket of its own."""
    ids = {name: f"{name} {number}" for name in ("event_id", "basket_id")}
    event = ids | {"user_id": f"shopper-{number % 3}", "item_id": "item-8"}
    return json.dumps(event | {"timestamp": "2026-01-31T12:00:00Z"}).encode()


class Cluster:
    """Three brokers in this process."""

    def __init__(self) -> None:
        """Starts them."""
        self._producer = Producer(
            {"test.mock.num.brokers": 3, "bootstrap.servers": "unused"},
            logger=logging.getLogger("mock"),
        )
        brokers = self._producer.list_topics(timeout=30).brokers.values()
        self.brokers = ",".join(f"{broker.host}:{broker.port}" for broker in brokers)

    def send(self, *messages: bytes | None) -> None:
        """Return once all are on the topic."""
        for message in messages:
            self._producer.produce(TOPIC, message)
        assert self._producer.flush(30) == 0


@contextmanager
def consuming(
    cluster: Cluster,
    take: Callable[[Sequence[RawEvent]], object],
    group: str = "g",
    observer: Observer | None = None,
) -> Iterator[None]:
    """Consume from the cluster, and give `take` the messages, while the block lasts."""
    asked: dict[str, Any] = {"kafka": cluster.brokers, "kafka_group": group}
    with TemporaryDirectory() as directory:
        events = KafkaEvents(take, Settings(events=Path(directory), **asked), observer)
        try:
            yield
        finally:
            events.stop()


def await_true(told: Callable[[], bool]) -> None:
    """Return once it is so; neither a broker nor a file tells anybody."""
    given_up = time.monotonic() + _PATIENCE_S
    while not told():
        assert time.monotonic() < given_up
        time.sleep(0.02)
