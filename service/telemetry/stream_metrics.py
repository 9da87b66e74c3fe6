"""Metrics of the purchase stream."""

from functools import partial
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Gauge

from service.events.errors import Cause
from service.events.observer import Observer


class StreamMetrics(Observer):
    """Shows the reports of the stream; workers share the journal, and share Kafka's partitions."""

    def __init__(self, registry: CollectorRegistry) -> None:
        counter = partial(Counter, namespace="rtt2vec", registry=registry)
        gauge = partial(Gauge, namespace="rtt2vec", registry=registry)
        latest = partial(gauge, multiprocess_mode="mostrecent")
        self._events = counter("events", "Purchases received, by result.", ["result"])
        self._not_kept = counter(
            "events_batches_not_kept", "Batches of purchases that were not kept.", ["cause"]
        )
        self._last_kept = latest(
            "events_last_kept_timestamp_seconds", "When a purchase was last kept."
        )
        self._last_export = latest(
            "events_last_export_timestamp_seconds", "When an export last succeeded."
        )
        self._backlog = latest("events_backlog", "Purchases kept, but not exported yet.")
        self._quarantined = latest("events_quarantined", "Purchases from the future, set aside.")
        self._letters_bytes = latest("dead_letters_bytes", "Size of the file of dead letters.")
        self._unpurged = latest(
            "events_unpurged_users", "Forgotten users whose purchases are not deleted yet."
        )
        self._disk_free = latest("events_disk_free_bytes", "Free bytes of the disk of the events.")
        self._consuming = gauge(
            "kafka_consuming",
            "1 while the events of a topic can be taken in.",
            ["topic"],
            multiprocess_mode="livemin",
        )
        self._lag = gauge(
            "kafka_lag_messages",
            "Messages of a topic that are not kept yet.",
            ["topic"],
            multiprocess_mode="livesum",
        )
        self._broker_errors = counter("kafka_errors", "Errors of brokers.", ["topic", "error"])
        # Present from the start, so that alerts see the first one as an increase.
        for result in ("new", "known", "quarantined", "refused"):
            self._events.labels(result)
        for cause in get_args(Cause):
            self._not_kept.labels(cause)

    def took(self, new: int, known: int, quarantined: int, refused: int) -> None:
        """Count the events of a batch."""
        results = {"new": new, "known": known, "quarantined": quarantined, "refused": refused}
        for result, count in results.items():
            self._events.labels(result).inc(count)
        if new:
            self._last_kept.set_to_current_time()

    def not_kept(self, cause: Cause) -> None:
        """Count a batch that was not kept."""
        self._not_kept.labels(cause).inc()

    def exported(self) -> None:
        """Show when an export succeeded."""
        self._last_export.set_to_current_time()

    def measured(self, backlog: int, quarantined: int, letters_bytes: int, unpurged: int) -> None:
        """Show what waits."""
        self._backlog.set(backlog)
        self._quarantined.set(quarantined)
        self._letters_bytes.set(letters_bytes)
        self._unpurged.set(unpurged)

    def disk_free(self, free_bytes: int) -> None:
        """Show how much room there is."""
        self._disk_free.set(free_bytes)

    def consuming(self, topic: str, consuming: bool) -> None:
        """Show whether the events of a topic can be taken in."""
        self._consuming.labels(topic).set(consuming)

    def lagging(self, topic: str, messages: int) -> None:
        """Show how many messages are not kept yet."""
        self._lag.labels(topic).set(messages)

    def broker_failed(self, topic: str, error: str) -> None:
        """Count an error of a broker."""
        self._broker_errors.labels(topic, error).inc()
