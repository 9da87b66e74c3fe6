"""Events over Kafka, from brokers that speak the real protocol."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException, Message
from pydantic import ValidationError

from service.app import create_app
from service.bundle.bundle import write_bundle
from service.events.event import RawEvent
from service.events.journal import JournalError
from service.events.kafka import KafkaEvents
from service.events.stream import PurchaseStream
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.data.kafka_cluster import TOPIC, Cluster, await_true, event
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@contextmanager
def consuming(
    cluster: Cluster,
    take: Callable[[Sequence[RawEvent]], object],
    group: str = "g",
    observe: Callable[[str, bool], None] = lambda _topic, _consuming: None,
) -> Iterator[None]:
    # The mock waits for a member that has left until its session ends.
    options = {"session.timeout.ms": "6000"}
    asked: dict[str, Any] = {
        "kafka": cluster.brokers,
        "kafka_group": group,
        "kafka_options": options,
    }
    settings = Settings(events=Path("not used"), **asked)
    events = KafkaEvents(take, settings, observe)
    try:
        yield
    finally:
        events.stop()


@pytest.fixture
def stream(tmp_path: Path) -> Iterator[PurchaseStream]:
    stream = PurchaseStream(tmp_path, Settings())
    yield stream
    stream.close()


def kept(stream: PurchaseStream) -> list[str]:
    return sorted(line.event_id for line in stream.journal.unexported(1000))


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


def test_what_could_not_be_kept_is_tried_again(cluster: Cluster, stream: PurchaseStream) -> None:
    failures: list[Any] = [JournalError("the disk is full"), OSError("no space left")]

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

    monkeypatch.setattr("service.events.kafka.Consumer", Failing)
    cluster.send(event(1))
    with consuming(cluster, stream.take):
        await_true(lambda: kept(stream) == ["event_id 1"])
    assert not failures


def test_a_failure_that_ends_it_is_logged_and_observed(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    observed: list[tuple[str, bool]] = []

    def take(_events: Sequence[RawEvent]) -> None:
        raise ZeroDivisionError

    cluster.send(event(1))
    with consuming(cluster, take, observe=lambda *change: observed.append(change)):
        await_true(lambda: len(observed) == 2)
    assert observed == [(TOPIC, True), (TOPIC, False)]
    (failure,) = [record for record in caplog.records if record.exc_info]
    assert failure.exc_info is not None
    assert failure.exc_info[0] is ZeroDivisionError


def test_whether_it_consumes_is_a_metric(cluster: Cluster, tmp_path: Path) -> None:
    metrics = Metrics()
    app = create_app(Settings(bundle=tmp_path, events=tmp_path, kafka=cluster.brokers), metrics)
    with listening(app):
        await_true(lambda: f'kafka_consuming{{topic="{TOPIC}"}} 1.0' in metrics.render().decode())
    assert f'kafka_consuming{{topic="{TOPIC}"}} 0.0' in metrics.render().decode()
    assert "kafka_consuming{" not in Metrics().render().decode()


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
