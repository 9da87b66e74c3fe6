"""What the consumer of a topic reports: whether it consumes, its lag, and errors."""

import errno
import socket
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from threading import Event as Flag

import pytest

from service.app import create_app
from service.events.event import RawEvent
from service.events.kafka.consuming import KafkaEvents
from service.events.observer import Observer
from service.events.stream import PurchaseStream
from service.settings import Settings
from service.telemetry.metrics import Metrics
from tests.data.kafka_cluster import TOPIC, Cluster, await_true, consuming, event
from tests.service.conftest import listening
from tests.service.events.conftest import kept


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
    (record,) = [each for each in caplog.records if "events.kafka" in each.name]
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


def test_whether_it_consumes_is_a_metric(cluster: Cluster, tmp_path: Path) -> None:
    metrics = Metrics()
    app = create_app(Settings(bundle=tmp_path, events=tmp_path, kafka=cluster.brokers), metrics)
    cluster.send(event(1))
    with listening(app):
        await_true(lambda: f'kafka_consuming{{topic="{TOPIC}"}} 1.0' in metrics.render().decode())
    assert f'kafka_consuming{{topic="{TOPIC}"}} 0.0' in metrics.render().decode()
    assert "kafka_consuming{" not in Metrics().render().decode()
