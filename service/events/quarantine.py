"""The quarantine: events from the future, kept until their time has come."""

from collections.abc import Sequence

from service.events.event import Event, RawEvent
from service.events.journal import Journal

_DUE = """
SELECT event_id, source, text FROM quarantine WHERE timestamp_us <= ? ORDER BY timestamp_us LIMIT ?
"""


class Quarantine:
    """A table of the journal; methods raise JournalError if it cannot be read or written."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def put(self, events: Sequence[tuple[Event, RawEvent]], until: float | None = None) -> None:
        """Stores events, each once; they are on disk when it returns."""
        rows = [(e.event_id, e.user_id, e.timestamp_us, *raw) for e, raw in events]
        with self._journal.transaction(until) as db:
            db.executemany("INSERT OR IGNORE INTO quarantine VALUES (?, ?, ?, ?, ?)", rows)

    def due(self, timestamp_us: int, limit: int) -> dict[str, RawEvent]:
        """The first events up to a moment, in microseconds since 1970, by their ids."""
        with self._journal.held() as db:
            rows = db.execute(_DUE, (timestamp_us, limit)).fetchall()
        return {event_id: RawEvent(*raw) for event_id, *raw in rows}

    def remove(self, event_ids: Sequence[str]) -> None:
        """Deletes events, which have been taken in."""
        with self._journal.transaction() as db:
            db.executemany("DELETE FROM quarantine WHERE event_id = ?", [(e,) for e in event_ids])

    def size(self) -> int:
        """The number of events."""
        with self._journal.held() as db:
            found: int = db.execute("SELECT count(*) FROM quarantine").fetchone()[0]
        return found
