"""Events from a Kafka topic: their offsets are committed once they are stored, so none is lost.

Events that are delivered again, after a crash or to a new consumer group, have known event ids and
do not count twice. Every machine has its own journal and needs all events, so it has a group of
its own, in which its offsets are committed. Its workers divide the partitions without the brokers:
those would wait for a dead worker until its session ends.
"""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from socket import gethostname
from threading import Event as Flag
from threading import Thread
from typing import Any

import orjson
from confluent_kafka import Consumer, KafkaError, KafkaException, Message, TopicPartition

from service.events.errors import ClockError, EventsError, JournalError
from service.events.event import RawEvent
from service.events.observer import Observer
from service.events.seat import Seat
from service.settings import Settings
from service.support.failures import log_failure

_logger = logging.getLogger(__name__)

_SHORT = 3  # values of so many characters are no passwords
_BATCH = 500
_WAIT_S = 0.1  # for a batch to fill
_HELD = 10 * _BATCH  # messages in memory while none can be stored
_RETRY_S = 1.0
_LOOK_S = 5.0  # between two looks at the topic
_SHARE_S = 0.5  # between two looks at the other workers
_RENEW_S = 3600.0  # between two commits of the same offsets
_RECONNECT_MS = 1000  # the longest wait before a broker is tried again
_ANSWER_S = 1.0  # the longest wait for a broker's answer
_STATISTICS_MS = 5000
_LEAVING_S = 2.0  # the longest wait for the brokers at the end


class _Debug:
    """Takes librdkafka's log, a line for every attempt to connect; errors are counted instead."""

    def log(self, _level: int, message: str, *values: Any) -> None:
        _logger.debug(message, *values)


def connect(
    settings: Settings,
    on_error: Callable[[KafkaError], None] = lambda _error: None,
    on_statistics: Callable[[str], None] = lambda _json: None,
    on_commit: Callable[[KafkaError | None, list[TopicPartition]], None] = lambda *_: None,
) -> Consumer:
    """Return a consumer for the broker and group of the settings; it need not answer yet.

    Args:
        settings: of the consumer.
        on_error: called for each error of a broker.
        on_statistics: called every five seconds with librdkafka's statistics.
        on_commit: called when offsets were committed, or could not be.

    Raises:
        EventsError: librdkafka refuses an option.
    """
    options = {name: secret.get_secret_value() for name, secret in settings.kafka_options.items()}
    try:
        return Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "group.id": settings.kafka_group or _own_group(settings.events or Path()),
                "auto.offset.reset": "earliest",
                "reconnect.backoff.max.ms": _RECONNECT_MS,
                "statistics.interval.ms": _STATISTICS_MS,
                **options,
                "enable.auto.commit": False,
                "enable.partition.eof": False,
                "error_cb": on_error,
                "stats_cb": on_statistics,
                "on_commit": on_commit,
            },
            logger=_Debug(),
        )
    except KafkaException as error:
        reason = error.args[0].str()
        for value in options.values():
            if len(value) > _SHORT:
                reason = reason.replace(value, "…")  # it may be a password
        raise EventsError(f"RTT2VEC_KAFKA_OPTIONS: {reason}") from None


def _own_group(directory: Path) -> str:
    """The group of a journal: services on one machine with journals of their own share none."""
    place = blake2b(bytes(directory.resolve()), digest_size=4).hexdigest()
    return f"rtt2vec-{gethostname()}-{place}"


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
        # What hinders it, by the part that does: the brokers, the share, the journal.
        self._problems = {"share": "the topic's partitions are not known yet"}
        # By `time.monotonic`.
        self._look_at = self._share_at = self._retry_at = 0.0
        self._renew_at = time.monotonic() + _RENEW_S
        self._is_committing = False
        self._kept: dict[int, int] = {}  # offsets to commit, by partition
        self._stopping = Flag()
        self._observer.consuming(self._topic, False)
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
        """Note what hinders a part, "" for nothing; report and log when that begins and ends."""
        if bool(problem) == bool(self._problems.get(part)) or self._stopping.is_set():
            return
        could = not any(self._problems.values())
        self._problems[part] = problem
        can = not any(self._problems.values())
        if problem:
            _logger.warning("not consuming %s: %s", self._topic, problem)
        elif can:
            _logger.info("consuming %s", self._topic)
        if can != could:
            self._observer.consuming(self._topic, can)

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
