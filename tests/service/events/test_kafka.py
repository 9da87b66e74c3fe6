"""Events over Kafka, from brokers that speak the real protocol."""

import errno
import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
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
from service.events.kafka import KafkaEvents
from service.events.observer import Observer
from service.events.stream import PurchaseStream
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.data.kafka_cluster import TOPIC, Cluster, await_true, event
from tests.data.tiny_bundle import tiny_contents
from tests.service.conftest import listening


class Observed(Observer):
    """What a consumer has reported."""

    def __init__(self) -> None:
        self.consumed: list[bool] = []
        self.lags: list[int] = []
        self.errors: Counter[str] = Counter()

    def consuming(self, topic: str, consuming: bool) -> None:
        assert topic == TOPIC
        self.consumed.append(consuming)

    def lagging(self, topic: str, messages: int) -> None:
        assert topic == TOPIC
        self.lags.append(messages)

    def broker_failed(self, topic: str, error: str) -> None:
        assert topic == TOPIC
        self.errors[error] += 1


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


@contextmanager
def consuming(
    cluster: Cluster,
    take: Callable[[Sequence[RawEvent]], object],
    group: str = "g",
    observer: Observer | None = None,
) -> Iterator[None]:
    # The mock waits for a member that has left until its session ends.
    options = {"session.timeout.ms": "6000"}
    asked: dict[str, Any] = {
        "kafka": cluster.brokers,
        "kafka_group": group,
        "kafka_options": options,
    }
    settings = Settings(events=Path("not used"), **asked)
    events = KafkaEvents(take, settings, observer)
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
    with stream.journal.held() as db:
        return [row[0] for row in db.execute("SELECT event_id FROM events ORDER BY event_id")]


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

    monkeypatch.setattr("service.events.kafka.Consumer", Failing)
    cluster.send(event(1))
    with consuming(cluster, stream.take):
        await_true(lambda: kept(stream) == ["event_id 1"])
    assert not failures


def test_a_failure_that_ends_it_is_logged_and_observed(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    def take(events: Sequence[RawEvent]) -> None:
        if events:
            raise ZeroDivisionError

    observed = Observed()
    with consuming(cluster, take, observer=observed):
        cluster.send(event(1))
        await_true(lambda: len(observed.consumed) >= 3)
    assert observed.consumed[:3] == [False, True, False]
    (failure,) = [record for record in caplog.records if record.exc_info]
    assert failure.exc_info is not None
    assert failure.exc_info[0] is ZeroDivisionError


def test_without_its_topic_it_does_not_consume(
    cluster: Cluster, stream: PurchaseStream, caplog: pytest.LogCaptureFixture
) -> None:
    observed = Observed()
    with consuming(cluster, stream.take, observer=observed):
        await_true(lambda: observed.errors["UNKNOWN_TOPIC_OR_PART"] > 2)
        assert observed.consumed == [False]
        cluster.send(event(1))
        await_true(lambda: observed.consumed[-1])
        await_true(lambda: kept(stream) == ["event_id 1"])
    assert len(caplog.records) < 10


def test_without_brokers_it_does_not_consume_and_logs_that_once(
    tmp_path: Path, stream: PurchaseStream, caplog: pytest.LogCaptureFixture
) -> None:
    observed = Observed()
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = "{}:{}".format(*closed.getsockname())
    events = KafkaEvents(stream.take, Settings(events=tmp_path, kafka=address), observed)
    try:
        await_true(lambda: observed.errors.total() > 20)
    finally:
        events.stop()
    assert not any(observed.consumed)
    (record,) = [each for each in caplog.records if each.name == "service.events.kafka"]
    assert record.getMessage().startswith(f"not consuming {TOPIC}: ")


def test_while_nothing_can_be_stored_it_does_not_consume(
    cluster: Cluster, stream: PurchaseStream, caplog: pytest.LogCaptureFixture
) -> None:
    full, tries = Flag(), count()

    def take(events: Sequence[RawEvent]) -> None:
        if full.is_set():
            next(tries)
            raise OSError(errno.ENOSPC, "No space left on device")
        stream.take(events)

    observed = Observed()
    with consuming(cluster, take, observer=observed):
        cluster.send(event(1))
        await_true(lambda: kept(stream) == ["event_id 1"])
        await_true(lambda: observed.consumed[-1])
        full.set()  # and no message comes that would show it
        await_true(lambda: not observed.consumed[-1])
        cluster.send(event(2))
        await_true(lambda: next(tries) > 3)
        assert not observed.consumed[-1]
        full.clear()
        await_true(lambda: observed.consumed[-1])
        await_true(lambda: kept(stream) == ["event_id 1", "event_id 2"])
    assert sum("No space left" in record.getMessage() for record in caplog.records) == 1


def test_messages_from_the_future_wait_for_one_that_shows_that_the_clock_is_right(
    cluster: Cluster, stream: PurchaseStream
) -> None:
    early = (datetime.now(UTC) + timedelta(hours=1)).isoformat().encode()
    observed = Observed()
    with consuming(cluster, stream.take, observer=observed):
        cluster.send(event(1).replace(b"2026-01-31T12:00:00Z", early))
        await_true(lambda: observed.consumed == [False, True, False])
        cluster.send(event(2))
        await_true(lambda: kept(stream) == ["event_id 2"])
        await_true(lambda: observed.consumed[-1])


def test_messages_that_are_not_kept_are_the_lag(cluster: Cluster, stream: PurchaseStream) -> None:
    full = Flag()

    def take(events: Sequence[RawEvent]) -> None:
        if full.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        stream.take(events)

    observed = Observed()
    full.set()
    cluster.send(*[event(number) for number in range(30)])
    with consuming(cluster, take, observer=observed):
        await_true(lambda: observed.lags[-1:] == [30])
        full.clear()
        await_true(lambda: observed.lags[-1:] == [0])


def test_its_end_does_not_wait_for_brokers_that_do_not_answer(stream: PurchaseStream) -> None:
    stopped, halted = Flag(), Flag()

    def take(events: Sequence[RawEvent]) -> None:
        stream.take(events)
        if events:  # so that nothing is answered when the offsets are committed
            brokers.halt()
            halted.set()

    with broker() as brokers:
        brokers.send(TOPIC, event(1))
        brokers.await_delivery()
        options = Settings(events=Path("not used"), kafka=brokers.addresses)
        events = KafkaEvents(take, options)
        await_true(halted.is_set)

        def stop() -> None:
            events.stop()
            stopped.set()

        Thread(target=stop, daemon=True).start()
        await_true(stopped.is_set)


def test_whether_it_consumes_is_a_metric(cluster: Cluster, tmp_path: Path) -> None:
    metrics = Metrics()
    app = create_app(Settings(bundle=tmp_path, events=tmp_path, kafka=cluster.brokers), metrics)
    cluster.send(event(1))
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
