"""Events over Kafka: every message is stored, once."""

import json
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from pydantic import ValidationError

from chaos.broker import broker
from service.app import create_app
from service.bundle.bundle import write_bundle
from service.events.errors import ClockError, JournalError
from service.events.event import RawEvent
from service.events.kafka.consuming import KafkaEvents
from service.events.stream import PurchaseStream
from service.settings import Settings
from tests.data.kafka_cluster import TOPIC, Cluster, await_true, consuming, event
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening
from tests.service.events.conftest import kept


def test_what_is_bought_is_known_to_the_next_request(cluster: Cluster, tmp_path: Path) -> None:
    write_bundle(tmp_path / "bundles", tiny_contents())
    settings = Settings(bundle=tmp_path / "bundles", events=tmp_path, kafka=cluster.brokers)
    app = create_app(settings)
    app.state.swap.start()
    with listening(app) as client:
        cluster.send(*[event(number) for number in range(30)], *[event(0), event(1)])
        await_true(lambda: baskets(client) == {"shopper-0": 10, "shopper-1": 10, "shopper-2": 10})
        asked = client.post("/recommend", json={"user_id": "shopper-0"}).json()
        assert asked["source"] == "user"


def baskets(client: httpx.Client) -> dict[str, int]:
    users = ("shopper-0", "shopper-1", "shopper-2")
    profiles = {user_id: client.get(f"/users/{user_id}/profile").json() for user_id in users}
    counts = {user_id: found.get("categories", []) for user_id, found in profiles.items()}
    return {user_id: sum(each["count"] for each in found) for user_id, found in counts.items()}


def test_a_group_goes_on_where_it_has_committed(cluster: Cluster, stream: PurchaseStream) -> None:
    taken: list[RawEvent] = []
    cluster.send(event(1), event(2))
    with consuming(cluster, taken.extend):
        await_true(lambda: len(taken) == 2)
    cluster.send(event(3))
    with consuming(cluster, stream.take):
        await_true(lambda: kept(stream) == ["event_id 3"])


def test_what_is_delivered_again_counts_once(cluster: Cluster, stream: PurchaseStream) -> None:
    delivered: list[RawEvent] = []

    def take(events: Sequence[RawEvent]) -> None:
        stream.take(events)
        delivered.extend(events)

    cluster.send(event(1), event(2), event(3))
    for group in ("one", "another"):
        with consuming(cluster, take, group):
            await_true(lambda: len(delivered) % 3 == 0 and len(delivered) > 0)
        assert kept(stream) == ["event_id 1", "event_id 2", "event_id 3"]
        delivered.clear()


def test_workers_on_one_journal_divide_the_partitions_and_take_over(
    cluster: Cluster, tmp_path: Path
) -> None:
    asked: dict[str, Any] = {"kafka": cluster.brokers, "kafka_group": "g"}
    # Were they members of a group, the broker would wait so long for one that has gone.
    asked["kafka_options"] = {"session.timeout.ms": "600000", "max.poll.interval.ms": "600000"}
    settings = Settings(events=tmp_path, **asked)
    first, second = Taken(), Taken()
    numbers = count()

    def both_have_some() -> bool:
        cluster.send(*[event(next(numbers)) for _ in range(20)])
        return bool(first.since_asked() and second.since_asked())

    staying = KafkaEvents(first.take, settings)
    leaving = KafkaEvents(second.take, settings)
    try:
        await_true(both_have_some)
        leaving.stop()
        cluster.send(*[event(next(numbers)) for _ in range(40)])
        sent = {event(number) for number in range(next(numbers))}
        await_true(lambda: first.texts | second.texts == sent)
    finally:
        leaving.stop()
        staying.stop()


class Taken:
    """What a consumer has delivered."""

    def __init__(self) -> None:
        self.texts: set[bytes] = set()
        self._asked = 0

    def take(self, events: Sequence[RawEvent]) -> None:
        self.texts |= {each.text for each in events}

    def since_asked(self) -> int:
        """How many new ones there were since this was asked last."""
        before, self._asked = self._asked, len(self.texts)
        return self._asked - before


def test_what_could_not_be_kept_is_tried_again(cluster: Cluster, stream: PurchaseStream) -> None:
    failures: list[Exception] = [JournalError("the disk is full"), OSError("no space left")]
    failures.append(ClockError("all are from the future"))

    def take(events: Sequence[RawEvent]) -> None:
        if failures:
            raise failures.pop()
        stream.take(events)

    cluster.send(event(1))
    with consuming(cluster, take):
        await_true(lambda: kept(stream) == ["event_id 1"])
    assert not failures


def test_a_broken_client_is_asked_again(
    cluster: Cluster, stream: PurchaseStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [KafkaException(KafkaError(KafkaError._FAIL))]

    class Failing(Consumer):
        def consume(self, *args: Any) -> list[Message]:
            if failures:
                raise failures.pop()
            return super().consume(*args)

    monkeypatch.setattr("service.events.kafka.connection.Consumer", Failing)
    cluster.send(event(1))
    with consuming(cluster, stream.take):
        await_true(lambda: kept(stream) == ["event_id 1"])
    assert not failures


def test_its_end_does_not_wait_for_brokers_that_do_not_answer(
    stream: PurchaseStream, tmp_path: Path
) -> None:
    stopped, halted = Flag(), Flag()

    def take(events: Sequence[RawEvent]) -> None:
        stream.take(events)
        if events:  # so that nothing is answered when the offsets are committed
            brokers.halt()
            halted.set()

    with broker() as brokers:
        brokers.send(TOPIC, event(1))
        brokers.await_delivery()
        options = Settings(events=tmp_path, kafka=brokers.addresses)
        events = KafkaEvents(take, options)
        await_true(halted.is_set)

        def stop() -> None:
            events.stop()
            stopped.set()

        Thread(target=stop, daemon=True).start()
        await_true(stopped.is_set)


def test_without_a_directory_nothing_is_kept_and_so_nothing_consumed() -> None:
    with pytest.raises(ValidationError, match="set `events` too"):
        Settings(kafka="127.0.0.1:9092")


def test_what_is_no_event_becomes_a_dead_letter_with_its_place(
    cluster: Cluster, stream: PurchaseStream, tmp_path: Path
) -> None:
    cluster.send(b"no JSON", None, event(1))
    path = tmp_path / "dead_letters.jsonl"
    with consuming(cluster, stream.take):
        await_true(lambda: path.exists() and len(path.read_text().splitlines()) == 2)
        await_true(lambda: kept(stream) == ["event_id 1"])
    for line in path.read_text().splitlines():
        topic, partition, offset = json.loads(line)["source"].split("/")
        assert topic == TOPIC
        assert partition.isdecimal()
        assert offset.isdecimal()
