"""The purchase stream: new, known and refused events of a batch."""

import asyncio
import errno
import json
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pyarrow as pa
import pytest

from service.events.dead_letters import DeadLetters
from service.events.errors import ClockError, JournalError
from service.events.event import RawEvent
from service.events.observer import Cause, Observer
from service.events.stream import PurchaseStream, Taken
from service.settings import Settings

WRITTEN = "timestamp: expected a date and a time, such as"


NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ahead(minutes: float) -> str:
    """The time on a clock that is wrong by so much."""
    return (NOW + timedelta(minutes=minutes)).isoformat()


class Clock:
    """The clock of the machine, which tests set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now.timestamp()


def raw(number: int = 1, **changes: Any) -> RawEvent:
    event = {
        "event_id": f"e{number}",
        "user_id": "user-0",
        "basket_id": "b",
        "item_id": "item-1",
        "timestamp": "2026-01-31T12:00:00Z",
    }
    return RawEvent("http", json.dumps(event | changes).encode())


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(tmp_path: Path, clock: Clock) -> Iterator[PurchaseStream]:
    stream = PurchaseStream(tmp_path, Settings(id_limit_chars=10), clock=clock)
    yield stream
    stream.close()


def letters(directory: Path) -> list[dict[str, str]]:
    """What lies among the dead letters."""
    path = directory / "dead_letters.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_what_is_sent_again_is_known(stream: PurchaseStream) -> None:
    assert stream.take([raw(1), raw(2)]) == Taken(2, 0, 0, 0, [])
    assert stream.take([raw(2), raw(3), raw(3)]) == Taken(1, 2, 0, 0, [])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        ("2026-01-31T12:00:00+02:00", datetime(2026, 1, 31, 10, tzinfo=UTC)),
        ("2026-01-31T12:00:00.25", datetime(2026, 1, 31, 12, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-01-31 12:00", datetime(2026, 1, 31, 12, tzinfo=UTC)),
    ],
)
def test_moments_are_utc_unless_they_say_otherwise(
    stream: PurchaseStream, written: str, meant: datetime
) -> None:
    assert stream.take([raw(timestamp=written)]).new == 1
    (line,) = stream.journal.plan_export(10).lines
    assert line.timestamp_us == meant.timestamp() * 1_000_000


def test_a_clock_may_be_wrong_by_some_minutes(stream: PurchaseStream) -> None:
    assert stream.take([raw(1, timestamp=ahead(4.9))]) == Taken(1, 0, 0, 0, [])


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


def test_a_moment_from_the_future_without_a_timezone_is_told(stream: PurchaseStream) -> None:
    for written, hint in (("2026-07-03T12:00:00", True), ("2026-07-03T12:00:00+02:00", False)):
        taken = stream.take([raw(1), raw(2, timestamp=written)])
        (refused,) = taken.refusals
        assert ("without a timezone it counts as UTC" in refused.reason) is hint
        with pytest.raises(ClockError) as raised:
            stream.take([raw(2, timestamp=written)])
        assert ("without a timezone it counts as UTC" in str(raised.value)) is hint


def test_spaces_around_an_id_do_not_belong_to_it(stream: PurchaseStream) -> None:
    spaced = raw(1, user_id=" user-0\u200b", item_id="\titem-1", basket_id="\u00a0b ")
    assert stream.take([spaced]).new == 1
    (bought,) = stream.journal.purchases("user-0")
    assert (bought.basket_id, bought.item_id) == ("b", "item-1")
    (refused,) = stream.take([raw(2, item_id="\u200b\ufeff")]).refusals
    assert refused.reason.startswith("item_id: expected an id that is not blank")


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


def test_what_is_ahead_by_more_than_a_day_is_a_dead_letter(
    stream: PurchaseStream, tmp_path: Path
) -> None:
    taken = stream.take([raw(1), raw(2, timestamp="9998-12-31T01:00:00-12:00")])
    assert taken[:4] == (1, 0, 0, 1)
    assert letters(tmp_path)[0]["reason"] == (
        "timestamp: expected a moment that is at most a day ahead, found 9998-12-31T13:00:00Z."
    )


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


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"timestamp": "yesterday"}, WRITTEN),
        ({"timestamp": "2026-01-31"}, WRITTEN),
        ({"timestamp": "20260131"}, WRITTEN),
        ({"timestamp": "1769860800.5"}, WRITTEN),
        ({"timestamp": "20260131T120000Z"}, WRITTEN),
        ({"timestamp": "2026-01-31_12:00"}, WRITTEN),
        ({"timestamp": "2026-01-31T25:00"}, "timestamp: expected a moment, as of ISO 8601"),
        ({"timestamp": "2026-01-31T12:00:00X"}, "timestamp: expected a moment, as of ISO 8601"),
        ({"timestamp": 1_700_000_000}, WRITTEN),
        ({"timestamp": None}, WRITTEN),
        ({"timestamp": "1969-12-31T23:00:00"}, "timestamp: expected a moment since 1970"),
        ({"timestamp": "9999-12-31T23:59:59-12:00"}, "timestamp: expected a moment since 1970"),
        ({"timestamp": "0001-01-01T00:00:00+05:00"}, "timestamp: expected a moment since 1970"),
        ({"event_id": ""}, "event_id: expected at least 1 character"),
        ({"user_id": None}, "user_id: expected a string, found null."),
        ({"basket_id": " \t"}, "basket_id: expected a string that matches"),
        ({"item_id": "much too long"}, "item_id: expected at most 10 characters"),
        ({"quantity": "two"}, "quantity: expected a number, found"),
        ({"quantity": float("nan")}, "quantity: "),
        ({"price": -1}, "price: expected 0.0 or more, found -1."),
        ({"colour": "red"}, "colour: expected no such field"),
    ],
)
def test_what_cannot_be_used_becomes_a_dead_letter_and_the_rest_is_kept(
    stream: PurchaseStream, tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    wrong = raw(2, **changes)
    taken = stream.take([raw(1), wrong, raw(3)])
    assert (taken.new, taken.known) == (2, 0)
    (refused,) = taken.refusals
    assert refused.position == 1
    assert refused.reason.startswith(reason)
    (letter,) = letters(tmp_path)
    assert letter["reason"] == refused.reason
    assert (letter["source"], letter["event"]) == ("http", wrong.text.decode())


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


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[1]", b"null", b'{"event_id": '])
def test_what_is_no_event_at_all_is_a_dead_letter_too(
    stream: PurchaseStream, tmp_path: Path, text: bytes
) -> None:
    taken = stream.take([RawEvent("purchases/0/17", text)])
    assert taken.refused == 1
    (letter,) = letters(tmp_path)
    assert letter["source"] == "purchases/0/17"
    assert letter["event"] == text.decode(errors="replace")


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
