"""The journal's database: commits reach the disk, and a locked one can still be opened."""

import sqlite3
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from service.events.event import Event
from service.events.journal import Journal

FULL = 2  # of PRAGMA synchronous: SQLite calls fsync at each commit
VERSION_1 = """
CREATE TABLE events (
    seq INTEGER PRIMARY KEY, event_id TEXT NOT NULL UNIQUE, user_id TEXT NOT NULL,
    basket_id TEXT NOT NULL, item_id TEXT NOT NULL, timestamp_us INTEGER NOT NULL,
    quantity REAL, price REAL
);
CREATE TABLE exported (id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL);
CREATE TABLE dead_letters (digest BLOB PRIMARY KEY) WITHOUT ROWID;
INSERT INTO events VALUES (7, 'e7', 'u', 'b', 'i7', 0, NULL, NULL);
INSERT INTO exported VALUES (0, 7);
"""


def event(number: int) -> Event:
    at, item_id = datetime(2026, 1, 31, 12, tzinfo=UTC), f"i{number}"
    return Event(event_id=f"e{number}", user_id="u", basket_id="b", item_id=item_id, timestamp=at)


def test_every_commit_is_forced_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite calls fsync where Python cannot see it: the connections that wrote are asked."""
    statements: dict[sqlite3.Connection, list[str]] = defaultdict(list)
    connect = sqlite3.connect

    def traced(*args: Any, **options: Any) -> sqlite3.Connection:
        connection: sqlite3.Connection = connect(*args, **options)
        connection.set_trace_callback(statements[connection].append)
        return connection

    monkeypatch.setattr(sqlite3, "connect", traced)
    journal = Journal(tmp_path)
    journal.append([event(1)])
    wrote = [db for db, run in statements.items() if any("INSERT" in each for each in run)]
    assert wrote
    for db in wrote:
        assert db.execute("PRAGMA synchronous").fetchone() == (FULL,)
        assert db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    journal.close()


@pytest.mark.parametrize("mode", ["IMMEDIATE", "EXCLUSIVE"])
def test_a_service_starts_and_reads_while_another_process_holds_the_journal(
    tmp_path: Path, mode: str
) -> None:
    Journal(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / "events.sqlite", isolation_level=None)) as other:
        other.execute(f"BEGIN {mode}")
        journal = Journal(tmp_path)
        assert journal.purchases("u") == []
        journal.close()


def test_a_journal_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "events.sqlite")) as old:
        old.executescript(VERSION_1)
    journal = Journal(tmp_path)
    assert journal.append([event(7), event(8)]) == ["known", "new"]
    assert [line.seq for line in journal.plan_export(10).lines] == [8]
    journal.close()


def test_the_number_of_an_event_is_never_used_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.append([event(1), event(2)])
    with journal.transaction() as db:
        db.execute("DELETE FROM events")
    journal.append([event(3)])
    assert journal.last_seq("u") == 3
    journal.close()
