"""The purchase stream of one worker: from a batch of events to journal, dead letters and files."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pydantic import ValidationError

from service.events.dead_letters import DeadLetter, DeadLetters
from service.events.event import Event, RawEvent, event_type
from service.events.journal import Journal, JournalError
from service.events.parquet import ParquetFiles
from service.settings import Settings
from service.support.failures import log_failure
from service.support.invalid_fields import errors_of, sentence

if TYPE_CHECKING:
    from service.events.kafka import KafkaEvents

_logger = logging.getLogger(__name__)

_FOREIGN = "basket_id: expected a basket of this user's, found another user's."


class RefusedEvent(NamedTuple):
    """An event that became a dead letter: its position in the batch, from 0, and the reason."""

    position: int
    reason: str


class Taken(NamedTuple):
    """The result of a batch: the numbers of new and of known events, and the refused ones."""

    new: int
    known: int
    refused: list[RefusedEvent]


class PurchaseStream:
    """Stores events; safe to share between threads, and its files between workers."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        observe: Callable[[int, int, int], None] = lambda _new, _known, _refused: None,
        observe_consuming: Callable[[str, bool], None] = lambda _topic, _consuming: None,
    ) -> None:
        """Opens the files of a directory, which is created if it is missing.

        Args:
            directory: of journal, dead letters and Parquet files.
            settings: limits of an event, and the Kafka topic, if any.
            observe: called with the numbers of new, known and refused events of each batch.
            observe_consuming: called with a Kafka topic and whether it is consumed.

        Raises:
            JournalError: the journal cannot be opened.
            OSError: the directory cannot be created.
        """
        self._observe = observe
        self._observe_consuming = observe_consuming
        self.journal = Journal(directory)
        self._event_type = event_type(settings)
        self._letters = DeadLetters(directory / "dead_letters.jsonl", self.journal)
        self._files = ParquetFiles(directory / "parquet", self.journal)
        self._settings = settings

    def take(self, batch: Sequence[RawEvent]) -> Taken:
        """Stores the new events of a batch; they are on disk when it returns.

        Raises:
            JournalError: not all events are stored; the batch may be sent again.
            OSError: the dead letters cannot be written; the batch may be sent again.
        """
        events: dict[int, Event] = {}
        reasons: dict[int, str] = {}
        for position, raw in enumerate(batch):
            try:
                events[position] = self._event_type.model_validate_json(raw.text)
            except ValidationError as error:
                reasons[position] = sentence(errors_of(error))
        fates = self.journal.append(list(events.values())) if events else []
        foreign = [p for p, fate in zip(events, fates, strict=True) if fate == "foreign"]
        reasons |= dict.fromkeys(foreign, _FOREIGN)
        refused = [RefusedEvent(position, reasons[position]) for position in sorted(reasons)]
        self._letters.write([DeadLetter(batch[p].source, why, batch[p].text) for p, why in refused])
        taken = Taken(fates.count("new"), fates.count("known"), refused)
        self._observe(taken.new, taken.known, len(refused))
        return taken

    def check(self) -> None:
        """Check the options of the Kafka consumer, if there is to be one.

        Raises:
            EventsError: librdkafka refuses an option.
        """
        if self._settings.kafka is not None:
            from service.events.kafka import connect

            connect(self._settings).close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume and export while the block lasts; at its end, export the rest."""
        exporting = asyncio.create_task(self._keep_exporting())
        exporting.add_done_callback(partial(log_failure, "exporting events"))
        consumer = self._consumer()
        try:
            yield
        finally:
            exporting.cancel()
            if consumer is not None:
                await asyncio.to_thread(consumer.stop)
            await asyncio.to_thread(self.close)

    def _consumer(self) -> "KafkaEvents | None":
        if self._settings.kafka is None:
            return None
        from service.events.kafka import KafkaEvents

        return KafkaEvents(self.take, self._settings, self._observe_consuming)

    async def _keep_exporting(self) -> None:
        while True:
            await asyncio.sleep(self._settings.events_export_every_s)
            await asyncio.to_thread(self.export)

    def export(self) -> None:
        """Write new events to Parquet files, and delete the oldest of them from the journal.

        Failures are logged; the next export tries again.
        """
        try:
            exported = self._files.export()
            forgotten = self.journal.forget(self._settings.events_limit)
        except (JournalError, OSError) as error:
            _logger.error("events not exported: %s", error)
        else:
            if exported:
                _logger.info("exported", extra={"events": exported, "forgotten": forgotten})

    def close(self) -> None:
        """Export the rest, and close the journal."""
        self.export()
        self.journal.close()
