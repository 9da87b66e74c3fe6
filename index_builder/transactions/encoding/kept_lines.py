"""Kept lines: those of files that an earlier encoding has read stay beside its tables."""

import io
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from index_builder.transactions.encoding.lines import CheckedLines, LinePart
from index_builder.transactions.encoding.signed import Signed
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Notice, Table
from service.bundle.manifest import FileFacts
from service.support.files import Signature, signature, write_whole

LINES = "lines"
_INDEX = "lines.json"
_TICK_NS = 2_000_000_000  # the coarsest clock of a file system


class _Facts(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", ser_json_bytes="base64", val_json_bytes="base64"
    )


class _File(_Facts):
    """A file that was read: how to tell that it is the same, and what came of it."""

    size: int
    modified_ns: int
    unused: tuple[str, ...]
    left_out: dict[str, int]
    notices: tuple[Notice, ...]
    first_row: bytes  # as Arrow has it, which shows the types
    parts: tuple[LinePart, ...]
    facts: tuple[FileFacts, ...]  # of the parts

    @classmethod
    def of(
        cls, seen: Signature, table: Table, parts: list[LinePart], facts: list[FileFacts]
    ) -> Self:
        row = io.BytesIO()
        table.frame.write_ipc(row)
        modified_ns, _, _, size = seen
        return cls(
            size=size,
            modified_ns=modified_ns,
            unused=table.unused,
            left_out=dict(table.left_out),
            notices=table.notices,
            first_row=row.getvalue(),
            parts=tuple(parts),
            facts=tuple(facts),
        )

    def is_held(self, folder: Path, held: Path) -> bool:
        """Whether all of its lines came from one folder into another, as they were written."""
        try:
            for part in self.parts:
                _link(folder / part.file, held / part.file)
            found = tuple(FileFacts.of(held / part.file) for part in self.parts)
        except OSError:
            return False
        return found == self.facts

    def table(self, file: Path) -> Table:
        row = pl.read_ipc(self.first_row)
        return Table(file, row, self.unused, self.left_out, self.notices)


class _Index(_Facts, Signed):
    """The lines of a folder."""

    format_version: Literal[2] = 2
    release: str
    source: str
    reading: str
    files: dict[str, _File]


@dataclass(frozen=True)
class Origin:
    """What lines depend on beside the files: where these are, and how they are read."""

    source: str
    reading: Reading


class KeptLines:
    """Reads only files that the encoding before has not read, or that were changed since.

    A file is the same if its name, size and time of modification are. Lines of another source,
    that were read in another way or by another release, or that are damaged are not taken.
    """

    def __init__(self, folder: Path | None, origin: Origin, held: Path) -> None:
        """Looks for lines in a folder, and holds them, since others may replace it at any time.

        Args:
            folder: of the lines; need not be there.
            origin: of the lines that are wanted.
            held: a folder for links to them; new.
        """
        held.mkdir()
        self._origin, self._held = origin, held
        self._known = {} if folder is None else _known(folder, origin, held)
        self._files: dict[str, _File] = {}

    def knows(self, name: str, size: int, modified_ns: int) -> bool:
        """Whether the lines of a file are there."""
        file = self._known.get(name)
        return file is not None and (file.size, file.modified_ns) == (size, modified_ns)

    def read(
        self, file: Path, name: str, lines: CheckedLines, read: Callable[[Path], Table]
    ) -> Table:
        """Reads a file, or takes its lines.

        Args:
            file: where it is.
            name: by which the next encoding finds it again.
            lines: take the rows.
            read: reads it otherwise, and gives the rows to `lines`.

        Returns:
            What is known of the file, with its first row alone.
        """
        now, seen, first = time.time_ns(), signature(file), len(lines.parts)
        modified_ns, _, _, size = seen
        if self.knows(name, size, modified_ns):
            lines.begin_file()
            for part in self._known[name].parts:
                lines.take(self._held, part)
            table = self._known[name].table(file)
        else:
            table = read(file)
        parts = lines.parts[first:]
        # One that was changed, or may change within a tick of the clock, is read again, and so is
        # one with moments that are in the future, which is noted only until then.
        settled = now - modified_ns > _TICK_NS and signature(file) == seen
        if settled and all(part.latest * 1000 <= now for part in parts):
            facts = [FileFacts.of(lines.folder / part.file) for part in parts]
            self._files[name] = _File.of(seen, table, parts, facts)
        return table

    def keep(self, lines: CheckedLines, folder: Path) -> None:
        """Moves lines to a folder, where the next encoding finds them, if any are of use to it."""
        if not self._files:
            return
        lines.folder.rename(folder)
        index = _Index(
            release=version("rtt2vec"),
            source=self._origin.source,
            reading=_text(self._origin.reading),
            files=self._files,
        ).signed()
        write_whole(folder / _INDEX, index.model_dump_json().encode())


def _known(folder: Path, origin: Origin, held: Path) -> dict[str, _File]:
    try:
        index = _Index.model_validate_json((folder / _INDEX).read_bytes())
    except (OSError, ValidationError):
        return {}
    same = (version("rtt2vec"), origin.source, _text(origin.reading))
    if (index.release, index.source, index.reading) != same or index.signed() != index:
        return {}
    return {name: file for name, file in index.files.items() if file.is_held(folder, held)}


def _text(reading: Reading) -> str:
    return json.dumps(asdict(reading), default=sorted, sort_keys=True)


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # not on this file system
        shutil.copyfile(source, target)
