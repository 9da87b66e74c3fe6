"""The journal: every event once, in an embedded database on disk.

All workers of a machine share it and see what the others have committed. An event is committed to
the disk before it is acknowledged, so it survives a kill and a power cut.

The database is SQLite: it is part of Python, commits as fast as LMDB (a batch of 100 in 11 ms and
19 ms, most of it the disk's) and can deduplicate, sort and filter. Looking for a user's purchases
takes some 20 microseconds, with LMDB 5.
"""

import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from socket import gethostname
from threading import Lock
from typing import Any, Literal, NamedTuple

from service.events.database import connect
from service.events.event import Event

_PATIENCE_S = 2.0  # the longest wait for other writers, unless the caller says otherwise

# Read after each purchase of a user, in some milliseconds; enough for years of a household. An
# account that all guests share has many more, which say nothing about a user.
PURCHASES_READ = 1000

_FORGOTTEN = 10_000  # at once, in some 50 ms, while other writers wait
_PAUSE_S = 0.1  # as long as a waiting writer of SQLite sleeps at most before it tries again

_LAST_SEQ = "SELECT max(last_seq, (SELECT coalesce(max(seq), 0) FROM events)) FROM state"
_BACKLOG = """
SELECT max(0, coalesce((SELECT max(seq) FROM events), 0) - exported.seq) FROM exported
"""
_OWNER = "SELECT user_id FROM events WHERE basket_id = ? LIMIT 1"
_APPEND = """
INSERT OR IGNORE INTO events
    (seq, event_id, user_id, basket_id, item_id, timestamp_us, quantity, price)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_LAST_MOMENT = "SELECT max(timestamp_us) / 1000000 FROM events WHERE user_id = ?"
_PURCHASES_OF = """
SELECT basket_id, item_id, timestamp_us / 1000000, quantity FROM events
WHERE user_id = ? ORDER BY seq DESC LIMIT ?
"""
_PLAN = """
UPDATE state SET planned_seq = (
    SELECT max(events.seq) FROM (
        SELECT seq FROM events WHERE seq > (SELECT seq FROM exported) ORDER BY seq LIMIT ?
    ) AS events
) WHERE planned_seq <= (SELECT seq FROM exported)
"""
_IDENTITY = "SELECT identity, place, planned_seq, exported.seq FROM state, exported"
_PLANNED = """
SELECT * FROM events WHERE seq > (SELECT seq FROM exported)
AND seq <= (SELECT planned_seq FROM state) ORDER BY seq
"""
_FORGET = """
DELETE FROM events WHERE seq <= min(
    (SELECT seq FROM exported), (SELECT max(seq) FROM events) - ?,
    (SELECT min(seq) FROM events) + ? - 1
)
"""

Fate = Literal["new", "known", "foreign"]
"""What became of an event.

`known`: it was stored before, or is a purchase of a user who has been forgotten since. `foreign`:
its basket is another user's, which a build would refuse.
"""


class Purchase(NamedTuple):
    """An item that a user bought, or brought back; the timestamp is in epoch seconds."""

    basket_id: str
    item_id: str
    timestamp: int
    quantity: float | None = None


class Line(NamedTuple):
    """A stored event; `seq` counts from 1 in the order of commits, and is never used again."""

    seq: int
    event_id: str
    user_id: str
    basket_id: str
    item_id: str
    timestamp_us: int
    quantity: float | None
    price: float | None


class Plan(NamedTuple):
    """What an export writes.

    Attributes:
        identity: of the journal, for names of files.
        last_seq: the number of the last event to export; 0 if there is none.
        lines: the first events that are not exported.
    """

    identity: str
    last_seq: int
    lines: list[Line]


class Journal:
    """The events of one machine; safe to share between threads, and its file between processes.

    `until` is the moment, of `time.monotonic`, at which a method stops waiting for other writers
    and raises JournalError; by default, two seconds later.
    """

    def __init__(self, directory: Path) -> None:
        """Opens the journal of a directory, which is created if it is missing.

        Raises:
            JournalError: the database cannot be opened.
            OSError: the directory cannot be created, or is locked by another process for too long.
        """
        directory.mkdir(0o750, parents=True, exist_ok=True)
        self._path = directory / "events.sqlite"
        self._writer, self._reader = connect(self._path)
        self._opened = _place(self._path)
        self._writing, self._reading = Lock(), Lock()

    def append(
        self,
        events: Sequence[Event],
        until: float | None = None,
        since: Callable[[str], int | None] = lambda _user_id: None,
    ) -> list[Fate]:
        """Stores the new events, all or none; they are on disk when it returns.

        Args:
            events: to store.
            until: see `Journal`.
            since: gives the epoch second from which a user's purchases count, if not all do; it is
                called while no other process writes.

        Raises:
            JournalError: none was stored.
        """
        with self.transaction(until) as db:
            ((last,),) = db.execute(_LAST_SEQ)
            fates: list[Fate] = []
            for event in events:
                moment = since(event.user_id)
                is_old = moment is not None and event.timestamp_us < 1_000_000 * moment
                fates.append("known" if is_old else _append(db, last + 1, event))
                last += fates[-1] == "new"
            db.execute("UPDATE state SET last_seq = ?", (last,))
        return fates

    def last_seq(self, user_id: str) -> int | None:
        """The number of the user's newest event; None if there is none."""
        seq: int | None
        ((seq,),) = self._read("SELECT max(seq) FROM events WHERE user_id = ?", user_id)
        return seq

    def last_moment(self, user_id: str) -> int | None:
        """The epoch second of the user's latest purchase; None if there is none."""
        moment: int | None
        ((moment,),) = self._read(_LAST_MOMENT, user_id)
        return moment

    def purchases(self, user_id: str) -> list[Purchase]:
        """The user's newest 1,000 purchases, in the order in which they were stored."""
        rows = self._read(_PURCHASES_OF, user_id, PURCHASES_READ)
        return [Purchase(*row) for row in reversed(rows)]

    def backlog(self, until: float | None = None) -> int:
        """The number of events that are not marked as exported."""
        with self.held(until) as db:
            found: int = db.execute(_BACKLOG).fetchone()[0]
        return found

    def plan_export(self, limit: int) -> Plan:
        """Decides which events are exported next, at most `limit`: these until they are marked."""
        if not self.backlog():
            return Plan("", 0, [])
        with self.transaction() as db:
            db.execute(_PLAN, (limit,))
            ((identity, planned),) = db.execute("SELECT identity, planned_seq FROM state")
            return Plan(identity, planned, [Line(*row) for row in db.execute(_PLANNED)])

    def identity_elsewhere(self) -> str | None:
        """The identity of this journal in the place from which it was copied; "" for a new one.

        None if it has one in this place, or if events are planned for files of the old name.
        """
        with self.held() as db:
            ((identity, place, planned, exported),) = db.execute(_IDENTITY)
        settled = place == _place(self._path) or planned > exported
        return None if settled else str(identity)

    def take_identity(self, identity: str) -> None:
        """Takes an identity, in this place."""
        with self.transaction() as db:
            db.execute("UPDATE state SET identity = ?, place = ?", (identity, _place(self._path)))

    def mark_exported(self, seq: int) -> None:
        """Marks the events up to this one as exported to files."""
        with self.transaction() as db:
            db.execute("UPDATE exported SET seq = ?", (seq,))

    def forget(self, kept: int, go_on: Callable[[], bool] = lambda: True) -> int:
        """Deletes exported events, except for the newest; other workers may write meanwhile.

        Args:
            kept: how many stay, at least one.
            go_on: called after some thousand events; it ends early if that returns False.

        Returns:
            The number of deleted events.
        """
        forgotten = 0
        while removed := self._forget(kept):
            forgotten += removed
            if removed < _FORGOTTEN or not go_on():
                break
            time.sleep(_PAUSE_S)
        return forgotten

    def _forget(self, kept: int) -> int:
        with self.transaction(None) as db:
            return db.execute(_FORGET, (kept, _FORGOTTEN)).rowcount

    @contextmanager
    def transaction(self, until: float | None = None) -> Iterator[sqlite3.Connection]:
        """Gives the writing connection; all that the block writes is on disk after it, or none."""
        with self.held(until) as db, db:
            db.execute("BEGIN IMMEDIATE")
            yield db

    @contextmanager
    def held(self, until: float | None = None) -> Iterator[sqlite3.Connection]:
        """Gives the writing connection, for reads that no request must wait for."""
        until = time.monotonic() + _PATIENCE_S if until is None else until
        if not self._writing.acquire(timeout=max(0.0, until - time.monotonic())):
            busy = sqlite3.OperationalError("another thread is writing to the journal")
            busy.sqlite_errorcode = sqlite3.SQLITE_BUSY
            raise busy
        try:
            if not self._path.exists() or _place(self._path) != self._opened:
                # What SQLite would write now, nobody could ever read.
                raise sqlite3.OperationalError(f"{self._path} is not the file that was opened")
            left_ms = max(0, round(1000 * (until - time.monotonic())))
            self._writer.execute(f"PRAGMA busy_timeout = {left_ms}")
            yield self._writer
        finally:
            self._writing.release()

    def _read(self, query: str, *values: Any) -> list[Any]:
        with self._reading:  # threads may share a connection, but not a statement
            return self._reader.execute(query, values).fetchall()

    def close(self) -> None:
        """Closes the database."""
        self._reader.close()
        self._writer.close()


def _append(db: sqlite3.Connection, seq: int, e: Event) -> Fate:
    if db.execute(_OWNER, (e.basket_id,)).fetchone() not in (None, (e.user_id,)):
        return "foreign"
    ids = (e.event_id, e.user_id, e.basket_id, e.item_id)
    appended = db.execute(_APPEND, (seq, *ids, e.timestamp_us, e.quantity, e.price)).rowcount
    return "new" if appended else "known"


def _place(path: Path) -> str:
    """Where a file is; its copies are elsewhere."""
    found = path.stat()
    return f"{gethostname()} {found.st_dev} {found.st_ino}"
