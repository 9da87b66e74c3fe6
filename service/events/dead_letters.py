"""Dead letters: events that cannot be used, kept with the reason for somebody to look at."""

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

__all__ = ["DeadLetter", "DeadLetters"]


class DeadLetter(NamedTuple):
    """An event that cannot be used.

    Attributes:
        source: where it came from, such as `http` or `purchases/0/17`: topic, partition, offset.
        reason: what was expected and what was found.
        event: its text.
    """

    source: str
    reason: str
    event: bytes


class DeadLetters:
    """A file of dead letters, a JSON object per line, each once; workers may share it."""

    def __init__(self, path: Path, journal: Journal) -> None:
        """Names the file.

        Args:
            path: of the file, which is made when it is needed.
            journal: remembers which letters are in it.
        """
        self._path = path
        self._journal = journal

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Appends what is not there yet, wherever it came from; all is on disk when it returns.

        Raises:
            JournalError: they may be there, and will be again.
            OSError: they may not be there, and none by half.
        """
        if not letters:
            return
        by_digest: dict[bytes, DeadLetter] = {}
        for letter in letters:
            by_digest.setdefault(_digest(letter), letter)
        with locked(self._path.parent):
            # Noted when they are there: whoever dies in between has them written again.
            if digests := self._journal.unwritten(list(by_digest)):
                self._append(b"".join(_line(by_digest[digest]) for digest in digests))
                self._journal.mark_written(digests)

    def _append(self, lines: bytes) -> None:
        is_first = not self._path.exists()
        with self._path.open("ab", buffering=0) as file:
            end = file.tell()
            if file.write(lines) < len(lines):  # and not an error yet
                file.truncate(end)
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self._path))
            os.fsync(file.fileno())
        if is_first:
            sync(self._path.parent)


def _digest(letter: DeadLetter) -> bytes:
    return sha256(letter.reason.encode() + b"\0" + letter.event).digest()


def _line(letter: DeadLetter) -> bytes:
    told = letter._asdict() | {"event": letter.event.decode(errors="replace")}
    return orjson.dumps({"time": datetime.now(UTC)} | told, option=orjson.OPT_APPEND_NEWLINE)
