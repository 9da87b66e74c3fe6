"""The purchase stream: new, known and refused events of a batch."""

import asyncio
import errno
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from math import ulp
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pytest

from service.events.dead_letters import DeadLetters
from service.events.errors import Cause, ClockError, JournalError
from service.events.event import RawEvent
from service.events.observer import Observer
from service.events.stream import PurchaseStream, Taken
from service.settings import Settings
from tests.service.events.conftest import NOW, ahead, letters, raw


class Clock:
    """The clock of the machine, which tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(tmp_path: Path, clock: Clock) -> Iterator[PurchaseStream]:
    stream = PurchaseStream(tmp_path, Settings(id_limit_chars=10), clock=clock)
    yield stream
    stream.close()


def test_what_is_sent_again_is_known(stream: PurchaseStream) -> None:
    assert stream.take([raw(1), raw(2)]) == Taken(2, 0, 0, 0, [])
    assert stream.take([raw(2), raw(3), raw(3)]) == Taken(1, 2, 0, 0, [])


def test_events_from_the_future_are_taken_in_when_their_time_has_come(
    stream: PurchaseStream, clock: Clock
) -> None:
    batch = [raw(1), raw(2, timestamp=ahead(6)), raw(3, timestamp=ahead(60))]
    assert stream.take(batch) == Taken(1, 0, 2, 0, [])
    assert stream.take(batch) == Taken(0, 1, 2, 0, [])
    for minutes, expected in ((0, 1), (1.5, 2), (54, 2), (56, 3), (60, 3)):
        clock.now = NOW + timedelta(minutes=minutes)
        stream.export()
        assert len(stream.journal.purchases("user-0")) == expected, minutes
    assert stream.take(batch) == Taken(0, 3, 0, 0, [])


@pytest.mark.parametrize("steps", range(-4, 5))
def test_an_event_that_is_due_is_not_lost_at_any_fraction_of_a_microsecond(
    tmp_path: Path, steps: int
) -> None:
    moments = [NOW.timestamp(), NOW.timestamp() + 60, NOW.timestamp() + 61]
    moments[1] += steps * ulp(moments[1])  # some quarter of a microsecond each
    with closing(PurchaseStream(tmp_path, Settings(), clock=lambda: moments[0])) as stream:
        stream.take([raw(1), raw(2, timestamp=ahead(6))])
        for _ in range(2):
            del moments[0]
            stream.export()
        assert len(stream.journal.purchases("user-0")) == 2


def test_events_of_the_quarantine_are_judged_like_others_when_they_leave_it(
    stream: PurchaseStream, clock: Clock, tmp_path: Path
) -> None:
    early = ahead(60)
    stream.take([raw(1), raw(1, timestamp=early), raw(2, user_id="thief", timestamp=early)])
    clock.now += timedelta(hours=1)
    stream.export()
    assert len(stream.journal.purchases("user-0")) == 1
    (letter,) = letters(tmp_path)
    assert letter["event"] == raw(2, user_id="thief", timestamp=early).text.decode()


def test_a_batch_from_the_future_is_refused_whole_until_the_clock_is_set_right(
    stream: PurchaseStream, clock: Clock, tmp_path: Path
) -> None:
    batch = [raw(1), raw(2), raw(3, colour="red")]
    for slow in (timedelta(hours=1), timedelta(days=3650)):
        clock.now = NOW - slow
        with pytest.raises(ClockError):
            stream.take(batch)
        assert letters(tmp_path) == []
    clock.now = NOW
    assert stream.take(batch)[:4] == (2, 0, 0, 1)


def test_what_cannot_be_used_becomes_a_dead_letter_and_the_rest_is_kept(
    stream: PurchaseStream, tmp_path: Path
) -> None:
    far = raw(2, timestamp="2027-01-31T12:00:00Z")
    taken = stream.take([raw(1), far, raw(3), RawEvent("purchases/0/17", b"\xff{")])
    assert taken[:4] == (2, 0, 0, 2)
    assert [each.position for each in taken.refusals] == [1, 3]
    found = letters(tmp_path)
    assert [each["reason"] for each in found] == [each.reason for each in taken.refusals]
    assert [each["source"] for each in found] == ["http", "purchases/0/17"]
    assert [each["event"] for each in found] == [far.text.decode(), "\ufffd{"]


def test_only_the_first_refused_events_of_a_batch_are_named(
    stream: PurchaseStream, tmp_path: Path
) -> None:
    taken = stream.take([raw(number, colour="red") for number in range(250)])
    assert taken.refused == 250
    assert [each.position for each in taken.refusals] == list(range(100))
    assert len(letters(tmp_path)) == 250


def test_the_journal_keeps_no_more_events_than_its_limit(tmp_path: Path) -> None:
    stream = PurchaseStream(tmp_path, Settings(events_limit=3))
    stream.take([raw(number) for number in range(10)])
    stream.export()
    assert [each.item_id for each in stream.journal.purchases("user-0")] == ["item-1"] * 3
    stream.close()


def test_a_locked_journal_holds_a_batch_no_longer_than_the_timeout(tmp_path: Path) -> None:
    stream = PurchaseStream(tmp_path, Settings(events_timeout_ms=50))
    with closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(JournalError):
            stream.take([raw(1)])
        with pytest.raises(JournalError):
            stream.take([raw(1)], until=time.monotonic())
        assert stream.journal.purchases("user-0") == []  # reads go on
        other.execute("ROLLBACK")
    assert stream.take([raw(1)]).new == 1
    stream.close()


def test_an_empty_batch_finds_out_whether_the_disk_has_room(
    stream: PurchaseStream, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert stream.take([]) == Taken(0, 0, 0, 0, [])
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: Mock(free=1 << 20))
    with pytest.raises(OSError, match="No space left on device"):
        stream.take([])


def of_sqlite(code: int) -> JournalError:
    """An error as SQLite raises it."""
    error = JournalError()
    error.sqlite_errorcode = code
    return error


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (of_sqlite(sqlite3.SQLITE_BUSY_SNAPSHOT), "locked"),
        (of_sqlite(sqlite3.SQLITE_FULL), "full"),
        (of_sqlite(sqlite3.SQLITE_CORRUPT), "failed"),
        (OSError(errno.ENOSPC, "No space left on device"), "full"),
        (OSError(errno.EFBIG, "File too large"), "full"),
        (PermissionError(errno.EACCES, "Permission denied"), "failed"),
        (TimeoutError(errno.ETIMEDOUT, "locked"), "locked"),
        (JournalError(), "failed"),
    ],
)
def test_batches_that_are_not_kept_are_counted_by_their_cause(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, cause: str
) -> None:
    class Causes(Observer):
        def __init__(self) -> None:
            self.seen: list[str] = []

        def not_kept(self, cause: Cause) -> None:
            self.seen.append(cause)

    causes = Causes()
    stream = PurchaseStream(tmp_path, Settings(), causes)
    with monkeypatch.context() as patch:
        patch.setattr(DeadLetters, "write", Mock(side_effect=error))
        with pytest.raises(type(error)):
            stream.take([raw(1)])
    assert causes.seen == [cause]
    stream.close()


def test_a_purchase_in_another_users_basket_is_a_dead_letter(
    stream: PurchaseStream, tmp_path: Path
) -> None:
    taken = stream.take([raw(1, colour="red"), raw(2), raw(3, user_id="thief"), raw(4)])
    assert (taken.new, [each.position for each in taken.refusals]) == (2, [0, 2])
    assert taken.refusals[1].reason.startswith("basket_id: expected a basket of this user's")
    assert [each["event"] for each in letters(tmp_path)] == [
        raw(1, colour="red").text.decode(),
        raw(3, user_id="thief").text.decode(),
    ]


def test_what_ends_the_export_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run(stream: PurchaseStream, database: sqlite3.Connection) -> None:
        async with stream.running():
            stream.take([raw(quantity=1)])
            database.execute("UPDATE events SET quantity = 'much'")  # no number for Parquet
            while caplog.text.count("exporting events failed") < 2:  # it goes on trying
                await asyncio.sleep(0.01)
            database.execute("UPDATE events SET quantity = 1")

    stream = PurchaseStream(tmp_path, Settings(events_export_every_s=0.01))
    with closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as database:
        asyncio.run(run(stream, database))
    failures = [record.exc_info for record in caplog.records if record.exc_info]
    assert all(failure[0] is pa.ArrowInvalid for failure in failures)
