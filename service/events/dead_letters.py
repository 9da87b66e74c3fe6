"""Dead letters: events that cannot be used, kept with the reason for somebody to look at."""

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import orjson

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
    """A file of dead letters, a JSON object per line; workers may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, letters: Sequence[DeadLetter]) -> None:
        """Appends letters; they are on disk when it returns."""
        if not letters:
            return
        now = datetime.now(UTC)
        lines = b"".join(
            orjson.dumps(
                {
                    "time": now,
                    "source": letter.source,
                    "reason": letter.reason,
                    "event": letter.event.decode(errors="replace"),
                },
                option=orjson.OPT_APPEND_NEWLINE,
            )
            for letter in letters
        )
        # One write: lines of several workers do not mix.
        with self._path.open("ab", buffering=0) as file:
            file.write(lines)
            os.fsync(file.fileno())
