"""The purchase stream: new, known and refused events of a batch."""

import asyncio
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from service.events.event import RawEvent
from service.events.stream import PurchaseStream, Taken
from service.settings import Settings

WRITTEN = "timestamp: expected a date and a time, such as"


def ahead(minutes: float) -> str:
    """What a clock shows that is wrong by so much."""
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


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
def stream(tmp_path: Path) -> Iterator[PurchaseStream]:
    stream = PurchaseStream(tmp_path, Settings(id_limit_chars=10))
    yield stream
    stream.close()


def letters(directory: Path) -> list[dict[str, str]]:
    """What lies among the dead letters."""
    path = directory / "dead_letters.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def test_what_is_sent_again_is_known(stream: PurchaseStream) -> None:
    assert stream.take([raw(1), raw(2)]) == Taken(new=2, known=0, refused=[])
    assert stream.take([raw(2), raw(3), raw(3)]) == Taken(new=1, known=2, refused=[])


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
    (line,) = stream.journal.unexported(10)
    assert line.timestamp_us == meant.timestamp() * 1_000_000


def test_a_clock_may_be_wrong_by_some_minutes(stream: PurchaseStream) -> None:
    taken = stream.take([raw(1, timestamp=ahead(4)), raw(2, timestamp=ahead(6))])
    assert taken.new == 1
    (refused,) = taken.refused
    assert refused.position == 1
    assert refused.reason.startswith("timestamp: expected a moment since 1970")


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
    (refused,) = taken.refused
    assert refused.position == 1
    assert refused.reason.startswith(reason)
    (letter,) = letters(tmp_path)
    assert letter["reason"] == refused.reason
    assert (letter["source"], letter["event"]) == ("http", wrong.text.decode())


def test_a_purchase_in_another_users_basket_is_a_dead_letter(
    stream: PurchaseStream, tmp_path: Path
) -> None:
    taken = stream.take([raw(1, colour="red"), raw(2), raw(3, user_id="thief"), raw(4)])
    assert (taken.new, [each.position for each in taken.refused]) == (2, [0, 2])
    assert [each["event"] for each in letters(tmp_path)] == [
        raw(1, colour="red").text.decode(),
        raw(3, user_id="thief").text.decode(),
    ]


@pytest.mark.parametrize("text", [b"", b"\xff\xfe", b"[1]", b"null", b'{"event_id": '])
def test_what_is_no_event_at_all_is_a_dead_letter_too(
    stream: PurchaseStream, tmp_path: Path, text: bytes
) -> None:
    taken = stream.take([RawEvent("purchases/0/17", text)])
    assert len(taken.refused) == 1
    (letter,) = letters(tmp_path)
    assert letter["source"] == "purchases/0/17"
    assert letter["event"] == text.decode(errors="replace")


def test_what_ends_the_export_is_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def run(stream: PurchaseStream, database: sqlite3.Connection) -> None:
        async with stream.running():
            stream.take([raw(quantity=1)])
            database.execute("UPDATE events SET quantity = 'much'")  # no number for Parquet
            while "exporting events failed" not in caplog.text:
                await asyncio.sleep(0.01)
            database.execute("UPDATE events SET quantity = 1")

    stream = PurchaseStream(tmp_path, Settings(events_export_every_s=0.01))
    with closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as database:
        asyncio.run(run(stream, database))
    (failure,) = [record for record in caplog.records if record.exc_info]
    assert failure.exc_info is not None
    assert failure.exc_info[0] is pa.ArrowInvalid
