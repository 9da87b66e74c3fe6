"""Events from a Kafka topic: their offsets are committed once they are stored, so none is lost.

Events that are delivered again, after a crash or to a new consumer group, have known event ids and
do not count twice. Every machine has its own journal and needs all events, so it has a group of
its own, in which its offsets are committed. Its workers divide the partitions without the brokers:
those would wait for a dead worker until its session ends.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event as Flag
from threading import Thread

import orjson
from confluent_kafka import KafkaError, KafkaException, Message, TopicPartition

from service.events.errors import ClockError, JournalError
from service.events.event import RawEvent
from service.events.kafka.connection import connect
from service.events.kafka.hindrances import Hindrances
from service.events.kafka.seat import Seat
from service.events.observer import Observer
from service.settings import Settings
from service.support.failures import log_failure

_BATCH = 500
_WAIT_S = 0.1  # for a batch to fill
_HELD = 10 * _BATCH  # messages in memory while none can be stored
_RETRY_S = 1.0
_LOOK_S = 5.0  # between two looks at the topic
_SHARE_S = 0.5  # between two looks at the other workers
_RENEW_S = 3600.0  # between two commits of the same offsets
_ANSWER_S = 1.0  # the longest wait for a broker's answer
_LEAVING_S = 2.0  # the longest wait for the brokers at the end


class KafkaEvents:
    """A thread that consumes the messages of a topic, each of them an event."""

    def __init__(
        self,
        take: Callable[[Sequence[RawEvent]], object],
        settings: Settings,
        observer: Observer | None = None,
    ) -> None:
        """Starts the thread.

        Args:
            take: stores events, even none, or raises JournalError, OSError or ClockError.
            settings: broker, topic, group and options, and the directory that the workers share.
            observer: gets reports of what happens.

        Raises:
            EventsError: librdkafka refuses an option.
        """
        self._take = take
        self._topic = settings.kafka_topic
        self._observer = observer or Observer()
        self._consumer = connect(settings, self._count, self._measure, self._committed)
        self._seats = (settings.events or Path()) / "kafka_seats"
        self._seat: Seat | None = None
        self._partitions: frozenset[int] = frozenset()  # of the topic
        self._share: frozenset[int] = frozenset()  # of this worker
        unknown = {"share": "the topic's partitions are not known yet"}
        self._hindrances = Hindrances(self._topic, self._observer, unknown)
        # By `time.monotonic`.
        self._look_at = self._share_at = self._retry_at = 0.0
        self._renew_at = time.monotonic() + _RENEW_S
        self._is_committing = False
        self._kept: dict[int, int] = {}  # offsets to commit, by partition
        self._stopping = Flag()
        self._thread = ThreadPoolExecutor(1, "kafka")
        self._thread.submit(self._run).add_done_callback(self._ended)

    def stop(self) -> None:
        """Finish the present batch and commit, if the brokers answer in time."""
        self._stopping.set()
        self._thread.shutdown()
        if self._kept:
            self._commit()
        leaving = Thread(target=self._consumer.close, daemon=True)
        leaving.start()
        leaving.join(_LEAVING_S)

    def _ended(self, run: Future[None]) -> None:
        if self._seat is not None:
            self._seat.leave()
        self._observer.consuming(self._topic, False)
        log_failure("consuming from Kafka", run)

    def _run(self) -> None:
        held: list[Message] = []  # and not stored
        while not self._stopping.is_set():
            if time.monotonic() >= self._look_at:
                self._look()
                if not held:
                    self._taken([])
            if self._partitions and time.monotonic() >= self._share_at:
                self._divide()
            if time.monotonic() >= self._renew_at:
                self._renew()
            if len(held) < _HELD:
                held += self._consumed()
            else:
                self._stopping.wait(_WAIT_S)
            if held and time.monotonic() >= self._retry_at and self._taken(held):
                self._kept |= dict(map(_next_offset, held))
                held = []
            if self._kept and not self._is_committing:
                self._commit()

    def _divide(self) -> None:
        """Consume this worker's share of the partitions, from where their offsets are committed."""
        self._share_at = time.monotonic() + _SHARE_S
        try:
            self._seat = self._seat or Seat(self._seats)
            share = self._seat.share(self._partitions)
        except OSError as error:
            self._found("share", f"the other workers are not known: {error}")
            return
        try:
            self._consumer.incremental_unassign(self._places(self._share - share))
            self._share &= share
            self._consumer.incremental_assign(self._places(share - self._share))
            self._share |= share
        except KafkaException as failure:
            self._fail(failure.args[0])
            return
        self._found("share", "")

    def _places(self, partitions: Iterable[int]) -> list[TopicPartition]:
        return [TopicPartition(self._topic, each) for each in partitions]

    def _renew(self) -> None:
        """Commit the same offsets again: brokers forget those that are not committed for days."""
        self._renew_at = time.monotonic() + _RENEW_S
        try:
            found = self._consumer.committed(self._places(self._share), _ANSWER_S)
        except KafkaException as failure:
            self._fail(failure.args[0])
            return
        committed = {each.partition: each.offset for each in found if each.offset >= 0}
        self._kept = committed | self._kept

    def _consumed(self) -> list[Message]:
        try:
            messages = self._consumer.consume(_BATCH, _WAIT_S)
        except KafkaException as failure:
            self._fail(failure.args[0])
            self._stopping.wait(_RETRY_S)
            return []
        for message in messages:
            if error := message.error():
                self._fail(error)
        return [message for message in messages if not message.error()]

    def _fail(self, error: KafkaError) -> None:
        self._count(error)
        self._found("brokers", error.str())
        self._look_at = time.monotonic() + _RETRY_S

    def _taken(self, messages: Sequence[Message]) -> bool:
        """Store messages, or find out whether any could be stored; return whether that works."""
        try:
            self._take([_raw(message) for message in messages])
        except (JournalError, OSError, ClockError) as error:
            self._retry_at = time.monotonic() + _RETRY_S
            self._found("journal", f"events cannot be kept: {error}")
            return False
        self._found("journal", "")
        return True

    def _commit(self) -> None:
        """Ask for a commit, and do not wait: a broker might never answer.

        The offsets are given since those that librdkafka would commit may be later ones by then.
        """
        offsets = [TopicPartition(self._topic, *each) for each in self._kept.items()]
        self._is_committing, self._kept = True, {}
        self._consumer.commit(offsets=offsets, asynchronous=True)

    def _committed(self, error: KafkaError | None, _partitions: list[TopicPartition]) -> None:
        self._is_committing = False
        if error is not None:  # the events are stored; at worst they are delivered again
            self._count(error)

    def _look(self) -> None:
        """Ask a broker for the topic."""
        try:
            found = self._consumer.list_topics(self._topic, timeout=_ANSWER_S)
        except KafkaException as failure:
            self._fail(failure.args[0])
            return
        topic = found.topics[self._topic]
        if error := topic.error:
            self._fail(error)
        else:
            self._partitions = frozenset(topic.partitions)
            self._found("brokers", "")
            self._look_at = time.monotonic() + _LOOK_S

    def _found(self, part: str, problem: str) -> None:
        if not self._stopping.is_set():
            self._hindrances.found(part, problem)

    def _count(self, error: KafkaError) -> None:
        self._observer.broker_failed(self._topic, error.name())

    def _measure(self, statistics: str) -> None:
        topic = orjson.loads(statistics)["topics"].get(self._topic, {"partitions": {}})
        lags = (_lag(each) for each in topic["partitions"].values() if each["desired"])
        self._observer.lagging(self._topic, sum(lags))


def _lag(partition: dict[str, int]) -> int:
    """The messages of a partition that are not committed; of a new group, all of them."""
    stored = max(partition["committed_offset"], partition["lo_offset"], 0)
    return max(0, partition["hi_offset"] - stored)


def _next_offset(message: Message) -> tuple[int, int]:
    """The partition of a message, and the offset to commit when it is kept."""
    return message.partition() or 0, (message.offset() or 0) + 1


def _raw(message: Message) -> RawEvent:
    place = f"{message.topic()}/{message.partition()}/{message.offset()}"
    return RawEvent(place, message.value() or b"")
