"""Purging: what is kept of forgotten users is deleted, in the journal, the files and the letters.

Each user is a line of the list of forgotten users. The journal keeps the number of lines that are
done: after a kill, and on other machines that have the same list, the rest is done by the next
purge. Purchases from the user's moment on stay.
"""

import logging
import re
import sqlite3
from collections.abc import Iterator

import orjson

from service.events.dead_letters import DeadLetters
from service.events.errors import JournalError
from service.events.journal import Journal
from service.events.parquet import ParquetFiles
from service.support.forgotten_users import Forgotten, ForgottenUsers

_logger = logging.getLogger(__name__)

_USERS = "SELECT user_id FROM events UNION SELECT user_id FROM quarantine"
_PURGE = "DELETE FROM events WHERE user_id = ? AND timestamp_us < ?"
_PURGE_QUARANTINE = "DELETE FROM quarantine WHERE user_id = ?"  # its moments are wrong anyway

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"')
_WORD = re.compile(r"[^\s\"',:;=\[\]{}]+")


class Purging:
    """Deletes what one directory of events has of forgotten users."""

    def __init__(
        self, users: ForgottenUsers, journal: Journal, files: ParquetFiles, letters: DeadLetters
    ) -> None:
        self._users = users
        self._journal = journal
        self._files = files
        self._letters = letters

    def pending(self) -> Forgotten:
        """The forgotten users whose purchases are not deleted yet."""
        with self._journal.held() as db:
            ((key, lines),) = db.execute("SELECT key, lines FROM purged")
        return self._users.after(key, lines)

    def purge(self) -> int:
        """Deletes what is kept of these users.

        Returns:
            The number of deleted events, rows and dead letters.

        Raises:
            JournalError: not all is deleted.
            OSError: not all is deleted.
        """
        forgotten = self.pending()
        if not forgotten.moments:
            return 0
        # Not while an export has read events from the journal that it is about to write.
        with self._files.held():
            deleted = _purge(self._journal, forgotten) + self._files.purge(forgotten)
        deleted += self._letters.drop_if(
            lambda text: any(forgotten.since(user) is not None for user in users_named(text))
        )
        with self._journal.transaction() as db:
            db.execute("UPDATE purged SET key = ?, lines = ?", (forgotten.key, forgotten.lines))
        return deleted

    def go_on(self) -> None:
        """Do the same; failures are logged, and the next purge tries again."""
        try:
            deleted = self.purge()
        except TimeoutError:
            _logger.info("forgotten users not purged: another worker is at it")
        except (JournalError, OSError) as error:
            _logger.error("forgotten users not purged: %s", error)
        else:
            if deleted:
                _logger.info("forgotten users purged", extra={"deleted": deleted})


def _purge(journal: Journal, forgotten: Forgotten) -> int:
    with journal.transaction():
        pass  # whoever began to append before the users were forgotten has finished
    with journal.held() as db:
        known = {user_id: forgotten.since(user_id) for (user_id,) in db.execute(_USERS)}
    deleted = 0
    with journal.transaction() as db:
        for user_id, moment in known.items():
            if moment is not None:
                deleted += db.execute(_PURGE, (user_id, 1_000_000 * moment)).rowcount
                deleted += db.execute(_PURGE_QUARANTINE, (user_id,)).rowcount
    with journal.held() as db:  # the WAL has copies of what was deleted
        ((is_busy, _, _),) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    if is_busy:
        raise sqlite3.OperationalError("another process is reading the journal")
    return deleted


def users_named(text: str) -> Iterator[str]:
    """Yields the users that the text of an event may name.

    In JSON these are the values of fields `user_id`. Where there is no such field, or no JSON, any
    string, number or word may be a user.
    """
    try:
        remaining = [orjson.loads(text)]
    except orjson.JSONDecodeError:
        yield from _STRING.findall(text)
        yield from _WORD.findall(text)
        return
    while remaining:
        match remaining.pop():
            case dict() as fields:
                remaining += [fields["user_id"]] if "user_id" in fields else fields.values()
            case list() as values:
                remaining += values
            case value:
                yield str(value)
                yield from _WORD.findall(str(value))
