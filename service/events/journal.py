"""The journal: every event once, in an embedded database on disk.

All workers of a machine share it and see what the others have committed. An event is committed to
the disk before it is acknowledged, so it survives a kill and a power cut.

The database is SQLite: it is part of Python, commits as fast as LMDB (a batch of 100 in 11 ms and
19 ms, most of it the disk's) and can deduplicate, sort and filter. Looking for a user's purchases
takes some 20 microseconds, with LMDB 5.
"""

import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from threading import Lock
from typing import Any, Literal, NamedTuple

from service.events.event import Event
from service.support.files import locked

_BUSY_S = 5.0  # the longest wait for the commits of other workers

# Read after each purchase of a user, in some milliseconds; enough for years of a household. An
# account that all guests share has many more, which say nothing about a user.
PURCHASES_READ = 1000

_FORGOTTEN = 10_000  # at once, in some 50 ms, while other writers wait
_PAUSE_S = 0.1  # as long as a waiting writer of SQLite sleeps at most before it tries again

_TABLES = """
CREATE TABLE IF NOT EXISTS events (
    seq INTEGER PRIMARY KEY,
    event_id TEXT NOT NULL UNIQUE,
    user_id TEXT NOT NULL,
    basket_id TEXT NOT NULL,
    item_id TEXT NOT NULL,
    timestamp_us INTEGER NOT NULL,
    quantity REAL,
    price REAL
);
CREATE INDEX IF NOT EXISTS events_of_user ON events (user_id);
CREATE INDEX IF NOT EXISTS events_of_basket ON events (basket_id, user_id);
CREATE TABLE IF NOT EXISTS exported (id INTEGER PRIMARY KEY CHECK (id = 0), seq INTEGER NOT NULL);
INSERT OR IGNORE INTO exported VALUES (0, 0);
CREATE TABLE IF NOT EXISTS dead_letters (digest BLOB PRIMARY KEY) WITHOUT ROWID;
"""
_APPEND = """
INSERT OR IGNORE INTO events
    (event_id, user_id, basket_id, item_id, timestamp_us, quantity, price)
VALUES (?, ?, ?, ?, ?, ?, ?)
"""

_PURCHASES_OF = """
SELECT basket_id, item_id, timestamp_us / 1000000 FROM events
WHERE user_id = ? ORDER BY seq DESC LIMIT ?
"""
_FORGET = """
DELETE FROM events WHERE seq <= min(
    (SELECT seq FROM exported), (SELECT max(seq) FROM events) - ?,
    (SELECT min(seq) FROM events) + ? - 1
)
"""

JournalError = sqlite3.Error
"""The database cannot be read or written: locked for too long, the disk full or broken."""

Fate = Literal["new", "known", "foreign"]
"""What became of an event; `foreign`: its basket is another user's, which a build would refuse."""


class Purchase(NamedTuple):
    """An item that a user bought; the timestamp is in epoch seconds."""

    basket_id: str
    item_id: str
    timestamp: int


class Line(NamedTuple):
    """A stored event; `seq` counts from 1 in the order of commits."""

    seq: int
    event_id: str
    user_id: str
    basket_id: str
    item_id: str
    timestamp_us: int
    quantity: float | None
    price: float | None


class Journal:
    """The events of one machine; safe to share between threads, and its file between processes."""

    def __init__(self, directory: Path) -> None:
        """Opens the journal of a directory, which is created if it is missing.

        Raises:
            JournalError: the database cannot be opened.
        """
        directory.mkdir(parents=True, exist_ok=True)
        self._writing, self._reading = Lock(), Lock()
        with locked(directory):  # SQLite does not wait while another process turns WAL on
            self._writer = _connect(directory / "events.sqlite")
            self._writer.execute("PRAGMA journal_mode = WAL")
            self._writer.execute("PRAGMA synchronous = FULL")
            self._writer.executescript(_TABLES)
            self._reader = _connect(directory / "events.sqlite")

    def append(self, events: Sequence[Event]) -> list[Fate]:
        """Stores the new events, all or none; they are on disk when it returns.

        Raises:
            JournalError: none was stored.
        """
        with self._writing, self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            return [self._append(event) for event in events]

    def _append(self, e: Event) -> Fate:
        query = "SELECT user_id FROM events WHERE basket_id = ? LIMIT 1"
        owner = self._writer.execute(query, (e.basket_id,)).fetchone()
        if owner not in (None, (e.user_id,)):
            return "foreign"
        row = (e.event_id, e.user_id, e.basket_id, e.item_id, e.timestamp_us, e.quantity, e.price)
        return "new" if self._writer.execute(_APPEND, row).rowcount else "known"

    def last_seq(self, user_id: str) -> int | None:
        """The number of the user's newest event; None if there is none."""
        seq: int | None
        ((seq,),) = self._read("SELECT max(seq) FROM events WHERE user_id = ?", user_id)
        return seq

    def purchases(self, user_id: str) -> list[Purchase]:
        """The user's newest 1,000 purchases, in the order in which they were stored."""
        rows = self._read(_PURCHASES_OF, user_id, PURCHASES_READ)
        return [Purchase(*row) for row in reversed(rows)]

    def unexported(self, limit: int) -> list[Line]:
        """The first events that are not marked as exported."""
        query = "SELECT * FROM events WHERE seq > (SELECT seq FROM exported) ORDER BY seq LIMIT ?"
        with self._writing:  # not the reader's connection: requests never wait for an export
            return [Line(*row) for row in self._writer.execute(query, (limit,))]

    def mark_exported(self, seq: int) -> None:
        """Marks the events up to this one as exported to files."""
        with self._writing, self._writer:
            self._writer.execute("UPDATE exported SET seq = ?", (seq,))

    def unwritten(self, digests: Sequence[bytes]) -> list[bytes]:
        """Those of the digests of dead letters that are not marked as written."""
        query = "SELECT 1 FROM dead_letters WHERE digest = ?"
        with self._writing:
            return [d for d in digests if not self._writer.execute(query, (d,)).fetchone()]

    def mark_written(self, digests: Sequence[bytes]) -> None:
        """Marks dead letters as written to their file."""
        with self._writing, self._writer:
            self._writer.execute("BEGIN IMMEDIATE")
            self._writer.executemany(
                "INSERT OR IGNORE INTO dead_letters VALUES (?)", [(d,) for d in digests]
            )

    def forget(self, kept: int) -> int:
        """Deletes exported events, except for the newest; other workers may write meanwhile.

        Args:
            kept: how many stay, at least one, from which the next `seq` is counted.

        Returns:
            The number of deleted events.
        """
        forgotten = 0
        while removed := self._forget(kept):
            forgotten += removed
            if removed < _FORGOTTEN:
                break
            time.sleep(_PAUSE_S)
        return forgotten

    def _forget(self, kept: int) -> int:
        with self._writing, self._writer:
            return self._writer.execute(_FORGET, (kept, _FORGOTTEN)).rowcount

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._reading:  # threads may share a connection, but not a statement
            return self._reader.execute(query, values).fetchall()

    def close(self) -> None:
        """Closes the database."""
        self._reader.close()
        self._writer.close()


def _connect(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, _BUSY_S, isolation_level=None, check_same_thread=False)
