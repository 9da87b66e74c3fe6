"""The journal's database: its tables, and connections to it."""

import sqlite3
import time
from pathlib import Path

from service.support.files import locked, private_file

_OPENING_S = 10.0  # the longest wait for another process that makes the tables

# Of the tables. Version 2 added quarantine and state, version 3 purged.
_VERSION = 3
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
CREATE TABLE IF NOT EXISTS quarantine (
    event_id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    timestamp_us INTEGER NOT NULL,
    source TEXT NOT NULL,
    text BLOB NOT NULL
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS quarantine_by_time ON quarantine (timestamp_us);
CREATE TABLE IF NOT EXISTS state (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    last_seq INTEGER NOT NULL,
    planned_seq INTEGER NOT NULL,
    identity TEXT NOT NULL,
    place TEXT NOT NULL
);
INSERT OR IGNORE INTO state SELECT 0, coalesce(max(seq), 0), 0, '', '' FROM events;
CREATE TABLE IF NOT EXISTS purged (
    id INTEGER PRIMARY KEY CHECK (id = 0),
    key BLOB NOT NULL,
    lines INTEGER NOT NULL
);
INSERT OR IGNORE INTO purged VALUES (0, x'', 0);
"""


def connect(path: Path) -> tuple[sqlite3.Connection, sqlite3.Connection]:
    """Open the database, which is created if it is missing.

    An existing one is opened without a lock, so that a service starts while others write.

    Returns:
        A connection that writes, every commit through to the disk, and one that reads.

    Raises:
        JournalError: the database cannot be opened.
        TimeoutError: another process held the lock of the directory for too long.
    """
    # SQLite does not wait while another process turns WAL on.
    with locked(path.parent, time.monotonic() + _OPENING_S):
        private_file(path, "a").close()  # SQLite gives its other files the same permissions
        writer = _connection(path)
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA synchronous = FULL")
        writer.execute("PRAGMA secure_delete = ON")  # or deleted events stay in the file
        if writer.execute("PRAGMA user_version").fetchone()[0] < _VERSION:
            writer.executescript(_TABLES)
            writer.execute(f"PRAGMA user_version = {_VERSION}")
    reader = _connection(path)
    # A reader waits only for processes that keep all others out. Requests do not.
    reader.execute("PRAGMA busy_timeout = 0")
    return writer, reader


def _connection(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, _OPENING_S, isolation_level=None, check_same_thread=False)
