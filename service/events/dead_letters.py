"""Dead letters: events that cannot be used, stored with the reason."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import NamedTuple

import orjson

from service.events.event import RawEvent
from service.events.journal import Journal
from service.support.files import append, locked, private_file, sync

_BLOCK = 65536  # bytes read at once in search of the end of a line


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
    """A file of distinct dead letters, a JSON object per line; workers may share it.

    A writer that is killed may leave half a line at the end; the next one removes it.
    """

    def __init__(self, path: Path, journal: Journal, limit_bytes: int, days: float) -> None:
        """Opens nothing yet.

        Args:
            path: of the file, which is created with the first letter.
            journal: records which letters are in the file.
            limit_bytes: size of the file above which the older half of it is dropped.
            days: age from which letters are dropped.
        """
        self._path = path
        self._journal = journal
        self._limit_bytes = limit_bytes
        self._days = days
        self.replayed = path.with_suffix(".replayed.jsonl")
        """Where letters are while they are replayed."""

    def write(self, letters: Sequence[DeadLetter], until: float | None = None) -> None:
        """Appends the letters that the file does not have; they are on disk when it returns.

        Two events with the same text and reason are one letter, whatever their source.

        Args:
            letters: to append.
            until: the moment, of `time.monotonic`, at which it stops waiting for other writers.

        Raises:
            JournalError: the letters may be in the file, and will be written again.
            OSError: some letters are not in the file; none is there in part.
        """
        if not letters:
            return
        by_digest: dict[bytes, DeadLetter] = {}
        for letter in letters:
            by_digest.setdefault(_digest(letter.reason, _text(letter)), letter)
        with locked(self._path.parent, until):
            # The journal comes second: after a crash in between, the letters are written again.
            if digests := self._unwritten(list(by_digest), until):
                size = self._append(b"".join(_line(by_digest[digest]) for digest in digests))
                self._mark_written(digests, until)
                if size > self._limit_bytes:
                    self._drop(size - self._limit_bytes // 2)

    def size(self) -> int:
        """Bytes of the file."""
        return self._path.stat().st_size if self._path.exists() else 0

    def drop_old(self, now: datetime, until: float | None = None) -> None:
        """Drops the letters that are too old, and half a line at the end.

        Raises:
            JournalError: the journal cannot be written.
            OSError: the file cannot be written, or another writer held its lock for too long.
        """
        with locked(self._path.parent, until):
            if not self._path.exists():
                return
            self._mend()
            if old := self._size_of_old(now - timedelta(days=self._days)):
                self._drop(old)

    def drop_if(self, unwanted: Callable[[str], bool], until: float | None = None) -> int:
        """Drops the letters whose event's text is unwanted, also those that are being replayed.

        Returns:
            The number of letters.

        Raises:
            JournalError: the journal cannot be written.
            OSError: a file cannot be written, or another writer held its lock for too long.
        """
        dropped = 0
        with locked(self._path.parent, until):
            for path in (self._path, self.replayed):
                path.with_name(f".{path.name}").unlink(missing_ok=True)  # of a killed writer
                if path.exists():
                    dropped += self._drop_if(unwanted, path)
        return dropped

    def _drop_if(self, unwanted: Callable[[str], bool], path: Path) -> int:
        with path.open("rb") as file:
            drops = [unwanted(_text_of(line)) for line in file]
        if any(drops):
            with path.open("rb") as old, _replacing(path) as new:
                new.write(b"".join(line for line, drop in zip(old, drops, strict=True) if not drop))
            if path == self._path:
                self._mark_kept()
        return sum(drops)

    def set_apart(self) -> bool:
        """Moves the letters to `replayed`, unless some are there already.

        Returns:
            Whether there are any.
        """
        with locked(self._path.parent):
            if not self.replayed.exists() and self._path.exists():
                self._mend()
                # First, so that letters that are refused again are written again.
                self._mark_written([], anew=True)
                self._path.replace(self.replayed)
                sync(self._path.parent)
        return self.replayed.exists()

    def read_replayed(self) -> Iterator[RawEvent]:
        """Yields the events of the letters that were set apart; a broken line is one, too."""
        with self.replayed.open("rb") as file:
            for line in file:
                letter = _parsed(line)
                if letter is None:
                    yield RawEvent(self._path.name, line.rstrip())
                else:
                    yield RawEvent(letter["source"], letter["event"].encode())

    def forget_replayed(self) -> None:
        """Removes the letters that were set apart."""
        self.replayed.unlink()
        sync(self._path.parent)

    def _append(self, lines: bytes) -> int:
        """Append whole lines, and return the file's new size."""
        is_first = not self._path.exists()
        with private_file(self._path, "a+") as file:
            append(file, end := _remove_half_a_line(file), lines)
        if is_first:
            sync(self._path.parent)
        return end + len(lines)

    def _mend(self) -> None:
        with self._path.open("r+b", buffering=0) as file:
            _remove_half_a_line(file)

    def _size_of_old(self, oldest: datetime) -> int:
        end = size = 0
        with self._path.open("rb") as file:
            for line in file:
                end += len(line)
                letter = _parsed(line)
                if letter and datetime.fromisoformat(letter["time"]) >= oldest:
                    break
                size = end if letter else size
        return size

    def _drop(self, size: int) -> None:
        """Drop so many bytes at the start, and the rest of a line."""
        with self._path.open("rb") as old, _replacing(self._path) as new:
            old.seek(max(0, size - 1))
            old.readline()
            shutil.copyfileobj(old, new)
        self._mark_kept()

    def _mark_kept(self) -> None:
        """Mark the letters in the file as written, and no others."""
        with self._path.open("rb") as kept:
            letters = [letter for line in kept if (letter := _parsed(line))]
        digests = [_digest(letter["reason"], letter["event"]) for letter in letters]
        self._mark_written(digests, anew=True)

    def _unwritten(self, digests: Sequence[bytes], until: float | None) -> list[bytes]:
        query = "SELECT 1 FROM dead_letters WHERE digest = ?"
        with self._journal.held(until) as db:
            return [d for d in digests if not db.execute(query, (d,)).fetchone()]

    def _mark_written(
        self, digests: Sequence[bytes], until: float | None = None, anew: bool = False
    ) -> None:
        with self._journal.transaction(until) as db:
            if anew:
                db.execute("DELETE FROM dead_letters")
            db.executemany("INSERT OR IGNORE INTO dead_letters VALUES (?)", [(d,) for d in digests])


@contextmanager
def _replacing(path: Path) -> Iterator[FileIO]:
    """Gives a file whose content replaces that of `path` when the block ends."""
    unfinished = path.with_name(f".{path.name}")
    with private_file(unfinished, "w") as file:
        yield file
        os.fsync(file.fileno())
    unfinished.replace(path)
    sync(path.parent)


def _remove_half_a_line(file: FileIO) -> int:
    """Cut off what follows the last whole line, and return the file's new size."""
    size = end = file.seek(0, os.SEEK_END)
    while end:
        start = max(0, end - _BLOCK)
        file.seek(start)
        end = start + file.read(end - start).rfind(b"\n") + 1
        if end > start:
            break
    if end < size:
        file.truncate(end)
    return end


def _text_of(line: bytes) -> str:
    """The text of a letter's event; the whole line if a power cut damaged it."""
    letter = _parsed(line)
    return letter["event"] if letter else line.decode(errors="replace")


def _text(letter: DeadLetter) -> str:
    return letter.event.decode(errors="replace")


def _digest(reason: str, text: str) -> bytes:
    return sha256(f"{reason}\0{text}".encode()).digest()


def _line(letter: DeadLetter) -> bytes:
    fields = letter._asdict() | {"event": _text(letter)}
    return orjson.dumps({"time": datetime.now(UTC)} | fields, option=orjson.OPT_APPEND_NEWLINE)


def _parsed(line: bytes) -> dict[str, str] | None:
    """The fields of a letter; None for a line that a power cut damaged."""
    try:
        fields: dict[str, str] = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return fields
