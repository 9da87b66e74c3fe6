"""The purchase stream of one worker: from a batch of events to journal, dead letters and files."""

import asyncio
import errno
import logging
import math
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from service.events.batch import TOLERATED_US, sort_batch
from service.events.dead_letters import DeadLetter, DeadLetters
from service.events.errors import ClockError, JournalError, cause_of
from service.events.event import RawEvent, event_type
from service.events.journal import Fate, Journal
from service.events.observer import Observer
from service.events.parquet import ParquetFiles
from service.events.purging import Purging
from service.events.quarantine import Quarantine
from service.settings import Settings
from service.support.failures import log_failure
from service.support.forgotten_users import ForgottenUsers

if TYPE_CHECKING:
    from service.events.kafka.consuming import KafkaEvents

_logger = logging.getLogger(__name__)

_LEAVING_S = 2.0  # the longest wait for other workers when this one ends
_ROOM_BYTES = 4 << 20  # of the disk, for a batch in journal, log of the journal and letters
_DUE = 500  # events of the quarantine, taken in at once
_REPORTED = 100  # refused events of a batch that are named to its sender

_FOREIGN = "basket_id: expected a basket of this user's, found another user's."


class RefusedEvent(NamedTuple):
    """An event that became a dead letter: its position in the batch, from 0, and the reason."""

    position: int
    reason: str


class Taken(NamedTuple):
    """The result of a batch.

    Attributes:
        new: number of new events.
        known: number of events that had been taken in before.
        quarantined: number of events from the future, to be taken in when their time has come.
        refused: number of events that became dead letters.
        refusals: the first 100 of these.
    """

    new: int
    known: int
    quarantined: int
    refused: int
    refusals: list[RefusedEvent]


class PurchaseStream:
    """Stores events; safe to share between threads, and its files between workers."""

    def __init__(
        self,
        directory: Path,
        settings: Settings,
        observer: Observer | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Opens the files of a directory, which is created if it is missing.

        Args:
            directory: of journal, dead letters and Parquet files.
            settings: limits of an event and of the files, and the Kafka topic, if any.
            observer: gets reports of what happens.
            clock: gives the present, in seconds since 1970.

        Raises:
            JournalError: the journal cannot be opened.
            OSError: the directory cannot be created, or is locked for too long.
        """
        self._observer = observer or Observer()
        self._settings = settings
        self._directory = directory
        self._clock = clock
        self._ends_at = math.inf  # by `time.monotonic`
        self._event_type = event_type(settings)
        self._forgotten = ForgottenUsers.beside(settings.bundle)
        self.journal = Journal(directory)
        self._quarantine = Quarantine(self.journal)
        self._files = ParquetFiles(directory / "parquet", self.journal)
        self.letters = DeadLetters(
            directory / "dead_letters.jsonl",
            self.journal,
            settings.dead_letters_limit_bytes,
            settings.dead_letters_days,
        )
        self.purging = Purging(self._forgotten, self.journal, self._files, self.letters)

    def take(
        self, batch: Sequence[RawEvent], until: float | None = None, clock_is_right: bool = False
    ) -> Taken:
        """Stores the new events of a batch; they are on disk when it returns.

        An event that is from the future by more than five minutes is put into the quarantine, or
        refused if it is so by more than a day. But if no event of the batch is from the past, the
        clock of this machine is under suspicion, and the whole batch is refused.

        Args:
            batch: the events; an empty one finds out whether any could be stored.
            until: the moment, of `time.monotonic`, at which it stops waiting for other writers;
                by default after `events_timeout_ms`.
            clock_is_right: whether to trust the clock of this machine even so.

        Raises:
            ClockError: all usable events are from the future, and none is stored.
            JournalError: not all events are stored; the batch may be sent again.
            OSError: the dead letters cannot be written; the batch may be sent again.
        """
        until = self.deadline() if until is None else until
        return self._take(batch, until, self._now_us(), clock_is_right)

    def deadline(self) -> float:
        """The moment, of `time.monotonic`, at which a batch that arrives now is given up."""
        return time.monotonic() + self._settings.events_timeout_ms / 1000

    def _take(
        self, batch: Sequence[RawEvent], until: float, now_us: int, clock_is_right: bool
    ) -> Taken:
        try:
            taken = self._store(batch, until, now_us, clock_is_right)
        except (ClockError, JournalError, OSError) as error:
            self._observer.not_kept(cause_of(error))
            raise
        self._observer.took(taken.new, taken.known, taken.quarantined, taken.refused)
        return taken

    def _store(
        self, batch: Sequence[RawEvent], until: float, now_us: int, clock_is_right: bool
    ) -> Taken:
        if not batch:
            self._check_room()
        on_time, early, reasons = sort_batch(batch, self._event_type, now_us, clock_is_right)
        fates: list[Fate] = []
        if on_time or not batch:
            fates = self.journal.append(list(on_time.values()), until, self._forgotten.since)
        foreign = [p for p, fate in zip(on_time, fates, strict=True) if fate == "foreign"]
        reasons |= dict.fromkeys(foreign, _FOREIGN)
        if early:
            self._quarantine.put([(event, batch[p]) for p, event in early.items()], until)
        refused = [RefusedEvent(position, reasons[position]) for position in sorted(reasons)]
        letters = [DeadLetter(batch[p].source, why, batch[p].text) for p, why in refused]
        self.letters.write(letters, until)
        counts = (fates.count("new"), fates.count("known"), len(early), len(refused))
        return Taken(*counts, refused[:_REPORTED])

    def _check_room(self) -> None:
        """Raise OSError if the disk is nearly full: a small write might pass, a batch would not."""
        if shutil.disk_usage(self._directory).free < _ROOM_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._directory))

    def check(self) -> None:
        """Check the options of the Kafka consumer, if there is to be one.

        Raises:
            EventsError: librdkafka refuses an option.
        """
        if self._settings.kafka is not None:
            from service.events.kafka.connection import connect

            connect(self._settings).close()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Consume and export while the block lasts; at its end, export the rest."""
        leaving = asyncio.Event()
        exporting = asyncio.create_task(self._keep_exporting(leaving))
        consumer = self._consumer()
        try:
            yield
        finally:
            leaving.set()
            self._ends_at = time.monotonic() + _LEAVING_S
            if consumer is not None:
                await asyncio.to_thread(consumer.stop)
            await exporting
            await asyncio.to_thread(self.close)

    def _consumer(self) -> "KafkaEvents | None":
        if self._settings.kafka is None:
            return None
        from service.events.kafka.consuming import KafkaEvents

        return KafkaEvents(self.take, self._settings, self._observer)

    async def _keep_exporting(self, leaving: asyncio.Event) -> None:
        self._observer.exported()  # so that there is a moment from which to count
        while not leaving.is_set():
            await asyncio.to_thread(self.purging.go_on)
            await asyncio.to_thread(self._measure)
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), self._settings.events_export_every_s)
                break
            exporting = asyncio.create_task(asyncio.to_thread(self.export))
            exporting.add_done_callback(partial(log_failure, "exporting events"))
            await asyncio.wait([exporting])  # the next one tries again

    def export(self) -> None:
        """Take in events whose time has come, write new ones to files, and drop the oldest.

        Failures are logged; the next export tries again.
        """
        try:
            self._take_due()
            exported = self._files.export(self._goes_on)
            forgotten = self.journal.forget(self._settings.events_limit, self._goes_on)
            self.letters.drop_old(datetime.fromtimestamp(self._clock(), UTC), self.deadline())
        except TimeoutError:
            _logger.info("events not exported: another worker is at it")
        except (JournalError, OSError) as error:
            _logger.error("events not exported: %s", error)
        else:
            self._observer.exported()
            if exported:
                _logger.info("exported", extra={"events": exported, "forgotten": forgotten})

    def _take_due(self) -> None:
        """Take in the events of the quarantine whose time has come."""
        now_us = self._now_us()
        while due := self._quarantine.due(now_us + TOLERATED_US, _DUE):
            self._take(list(due.values()), self.deadline(), now_us, clock_is_right=True)
            self._quarantine.remove(list(due))
            if not self._goes_on():
                break

    def _now_us(self) -> int:
        return round(1e6 * self._clock())

    def _goes_on(self) -> bool:
        return time.monotonic() < self._ends_at

    def _measure(self) -> None:
        try:
            counts = (self.journal.backlog(), self._quarantine.size(), self.letters.size())
            unpurged = len(self.purging.pending().moments)
        except (JournalError, OSError) as error:
            _logger.error("the journal cannot be read: %s", error)
        else:
            self._observer.measured(*counts, unpurged)
            self._observer.disk_free(shutil.disk_usage(self._directory).free)

    def close(self) -> None:
        """Export what can be exported in two seconds, and close the journal."""
        self._ends_at = min(self._ends_at, time.monotonic() + _LEAVING_S)
        self.export()
        self.journal.close()
