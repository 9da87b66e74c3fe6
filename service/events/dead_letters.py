"""Dead letters: events that cannot be used, stored with the reason."""

import errno
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import orjson

from service.events.journal import Journal
from service.support.files import locked, sync


class DeadLetter(NamedTuple):
    """An event that cannot be used.

    Attributes:
        source: `http`, or topic, partition and offset, such as `purchases/0/17`.
        reason: what was expected and what was found.
        event: the text of the event.
    """

    source: str
    reason: str
    event: bytes


class DeadLetters:
    """A file of distinct dead letters, a JSON object per line; workers may share it."""

    def __init__(self, path: Path, journal: Journal) -> None:
        """Opens nothing yet.

        Args:
            path: of the file, which is created with the first letter.
            journal: records which letters are in the file.
        """
        self._path = path
        self._journal = journal

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Appends the letters that the file does not have; they are on disk when it returns.

        Two events with the same text and reason are one letter, whatever their source.

        Raises:
            JournalError: the letters may be in the file, and will be written again.
            OSError: some letters are not in the file; none is there in part.
        """
        if not letters:
            return
        by_digest: dict[bytes, DeadLetter] = {}
        for letter in letters:
            by_digest.setdefault(_digest(letter), letter)
        with locked(self._path.parent):
            # The journal comes second: after a crash in between, the letters are written again.
            if digests := self._journal.unwritten(list(by_digest)):
                self._append(b"".join(_line(by_digest[digest]) for digest in digests))
                self._journal.mark_written(digests)

    def _append(self, lines: bytes) -> None:
        is_first = not self._path.exists()
        with self._path.open("ab", buffering=0) as file:
            end = file.tell()
            if file.write(lines) < len(lines):  # a full disk is no error yet
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            os.fsync(file.fileno())
        if is_first:
            sync(self._path.parent)


def _digest(letter: DeadLetter) -> bytes:
    return sha256(letter.reason.encode() + b"\0" + letter.event).digest()


def _line(letter: DeadLetter) -> bytes:
    fields = letter._asdict() | {"event": letter.event.decode(errors="replace")}
    return orjson.dumps({"time": datetime.now(UTC)} | fields, option=orjson.OPT_APPEND_NEWLINE)
