"""The consumer of a broker, as the settings want it."""

import logging
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from socket import gethostname
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition

from service.events.errors import EventsError
from service.settings import Settings

_logger = logging.getLogger(__name__)

_SHORT = 3  # values of so many characters are no passwords
_RECONNECT_MS = 1000  # the longest wait before a broker is tried again
_STATISTICS_MS = 5000


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
