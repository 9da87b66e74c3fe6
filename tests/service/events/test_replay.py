"""Dead letters are replayed: what can be used by now is taken in, and nothing is lost."""

import json
import subprocess
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from service.events.errors import JournalError
from service.events.event import RawEvent
from service.events.journal import Journal
from service.events.replay import Replayed, replay
from service.events.stream import PurchaseStream
from service.settings import Settings
from tests.service.conftest import COMMAND, Served
from tests.service.events.conftest import NOW, letters

LONG = "x" * 20


def raw(number: int, **changes: Any) -> RawEvent:
    names = ("event_id", "user_id", "basket_id", "item_id")
    event = {name: f"{name} {number}" for name in names} | {"timestamp": NOW.isoformat()}
    return RawEvent(f"purchases/0/{number}", json.dumps(event | changes).encode())


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Callable[..., PurchaseStream]]:
    streams: list[PurchaseStream] = []

    def opened(limit: int = 128, now: datetime = NOW) -> PurchaseStream:
        settings = Settings(id_limit_chars=limit)
        streams.append(PurchaseStream(tmp_path, settings, clock=now.timestamp))
        return streams[-1]

    yield opened
    for each in streams:
        each.close()


def test_letters_that_can_be_used_by_now_are_taken_in(
    opened: Callable[..., PurchaseStream], tmp_path: Path
) -> None:
    strict = opened(limit=15)
    far = (NOW + timedelta(days=2)).isoformat()
    strict.take([raw(1, item_id=LONG), raw(2, colour="red"), raw(3, timestamp=far), raw(4)])
    strict.take([raw(5, item_id=LONG), raw(4, item_id=LONG), RawEvent("http", b"{")])
    assert len(letters(tmp_path)) == 6

    later = opened(now=NOW + timedelta(days=1.5))
    assert replay(later) == Replayed(new=2, known=1, quarantined=1, refused=2)
    again = letters(tmp_path)
    assert [each["source"] for each in again] == ["purchases/0/2", "http"]
    assert [each["event"] for each in again] == [raw(2, colour="red").text.decode(), "{"]
    assert later.journal.last_seq("user_id 5") is not None
    assert replay(later) == Replayed(refused=2)
    assert [each["event"] for each in letters(tmp_path)] == [each["event"] for each in again]


def test_a_replay_that_is_interrupted_is_completed_by_the_next(
    opened: Callable[..., PurchaseStream], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = opened(limit=15)
    count = 1200  # several batches
    stream.take([raw(number, item_id=LONG) for number in range(count)])
    stream.take([raw(count, colour="red")])
    free = opened()
    append, failures = Journal.append, [None, JournalError("the disk is full")]

    def failing(journal: Journal, *batch: Any) -> Any:
        if failures and (failure := failures.pop(0)):
            raise failure
        return append(journal, *batch)

    monkeypatch.setattr(Journal, "append", failing)
    with pytest.raises(JournalError):
        replay(free)
    stream.take([raw(count + 1, item_id=LONG)])  # meanwhile
    assert replay(free) == Replayed(new=count - 500 + 1, known=500, refused=1)
    (letter,) = letters(tmp_path)
    assert letter["event"] == raw(count, colour="red").text.decode()


def test_a_broken_line_stays_a_letter(
    opened: Callable[..., PurchaseStream], tmp_path: Path
) -> None:
    (tmp_path / "dead_letters.jsonl").write_bytes(b"\0\0\0 after a power cut\n")
    assert replay(opened()) == Replayed(refused=1)
    (letter,) = letters(tmp_path)
    assert letter["event"] == "\0\0\0 after a power cut"


def test_without_letters_there_is_nothing_to_replay(
    opened: Callable[..., PurchaseStream],
) -> None:
    assert replay(opened()) == Replayed()


def test_the_command_replays_beside_a_running_service(
    serve: Callable[..., Served], tmp_path: Path
) -> None:
    events = tmp_path / "events"
    serve("--events", str(events), "--id-limit-chars", "15")
    stream = PurchaseStream(events, Settings(id_limit_chars=15))
    stream.take([raw(1, item_id=LONG), raw(2, colour="red")])
    stream.close()
    command = [str(COMMAND), "replay-dead-letters", "--events", str(events)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    expected = "2 dead letters replayed: 1 new, 0 known, 0 quarantined, 1 refused."
    assert done.stdout.strip() == expected
    assert len(letters(events)) == 1


def test_the_command_needs_the_directory() -> None:
    done = subprocess.run([COMMAND, "replay-dead-letters"], check=False, capture_output=True)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"RTT2VEC_EVENTS" in done.stderr
