"""Events from a Kafka topic: their offsets are committed once they are stored, so none is lost.

Events that are delivered again, after a crash or to a new consumer group, have known event ids and
do not count twice. Every machine has its own journal and needs all events, so it is its own group;
its workers share the partitions.
"""

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from socket import gethostname
from threading import Event as Flag

from confluent_kafka import Consumer, KafkaException, Message

from service.events.errors import EventsError
from service.events.event import RawEvent
from service.events.journal import JournalError
from service.settings import Settings
from service.support.failures import log_failure

_logger = logging.getLogger(__name__)

_BATCH = 500
_WAIT_S = 0.1  # for a batch to fill
_RETRY_S = 1.0


def connect(settings: Settings) -> Consumer:
    """Return a consumer for the broker and group of the settings; it need not answer yet.

    Raises:
        EventsError: librdkafka refuses an option.
    """
    try:
        return Consumer(
            {
                "bootstrap.servers": settings.kafka,
                "group.id": settings.kafka_group or f"rtt2vec-{gethostname()}",
                "auto.offset.reset": "earliest",
                **settings.kafka_options,
                "enable.auto.commit": False,
            },
            logger=_logger,
        )
    except KafkaException as error:
        raise EventsError(f"RTT2VEC_KAFKA_OPTIONS: {error.args[0].str()}") from error


class KafkaEvents:
    """A thread that consumes the messages of a topic, each of them an event."""

    def __init__(
        self,
        take: Callable[[Sequence[RawEvent]], object],
        settings: Settings,
        observe: Callable[[str, bool], None] = lambda _topic, _consuming: None,
    ) -> None:
        """Starts the thread.

        Args:
            take: stores events, or raises JournalError or OSError.
            settings: broker, topic, group and options.
            observe: called with the topic, and True when consuming starts, False when it ends.

        Raises:
            EventsError: librdkafka refuses an option.
        """
        self._take = take
        self._topic = settings.kafka_topic
        self._observe = observe
        self._consumer = connect(settings)
        self._consumer.subscribe([self._topic])
        self._stopping = Flag()
        self._observe(self._topic, True)
        self._thread = ThreadPoolExecutor(1, "kafka")
        self._thread.submit(self._run).add_done_callback(self._ended)

    def stop(self) -> None:
        """Finish the present batch and leave the group."""
        self._stopping.set()
        self._thread.shutdown()
        self._consumer.close()

    def _ended(self, run: Future[None]) -> None:
        self._observe(self._topic, False)
        log_failure("consuming from Kafka", run)

    def _run(self) -> None:
        while not self._stopping.is_set():
            messages = self._consumed()
            for message in messages:
                if error := message.error():
                    _logger.warning("kafka: %s", error)
            events = [_raw(message) for message in messages if not message.error()]
            if events and self._taken(events):
                self._commit()

    def _consumed(self) -> list[Message]:
        try:
            return self._consumer.consume(_BATCH, _WAIT_S)
        except KafkaException as error:
            _logger.error("nothing consumed, trying again: %s", error)
            self._stopping.wait(_RETRY_S)
            return []

    def _taken(self, events: Sequence[RawEvent]) -> bool:
        """Store a batch, with retries; returns False if `stop` was called first."""
        while not self._stopping.is_set():
            try:
                self._take(events)
            except (JournalError, OSError) as error:
                _logger.error("events not kept, trying again: %s", error)
                self._stopping.wait(_RETRY_S)
            else:
                return True
        return False

    def _commit(self) -> None:
        try:
            self._consumer.commit(asynchronous=False)
        except KafkaException as error:  # the events are stored; at worst they are delivered again
            _logger.warning("offsets not committed: %s", error)


def _raw(message: Message) -> RawEvent:
    place = f"{message.topic()}/{message.partition()}/{message.offset()}"
    return RawEvent(place, message.value() or b"")
