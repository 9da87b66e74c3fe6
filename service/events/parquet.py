"""Events as Parquet files, one folder per day: transactions as the builder reads them.

Every event is in exactly one file, even if a writer is killed. An export adds the events of a day
to the newest file of that day, until it is large: the file is written again, beside the old one,
and replaces it. So a file is there whole or not at all, and only ever gains events, except that
those of forgotten users are deleted from it.

A file is named by the journal's identity and its first event, so files of different journals never
have the same name. An export that was interrupted is done again with the same events; those that
are in the files already are left out.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from secrets import token_hex

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from service.events.journal import Journal, Line
from service.support.arrays.array_types import Int64
from service.support.files import locked, private_file, sync
from service.support.forgotten_users import Forgotten

_PATIENCE_S = 2.0  # the longest wait for another worker that exports
_ROWS = 10_000  # at once, so that a backlog needs little memory, and writers wait briefly
_LARGE = 2 * _ROWS  # of a file, some 600 KB; until then it is written again with every export

_ALWAYS = np.iinfo(np.int64).min

_SCHEMA = pa.schema(
    {
        "event_id": pa.string(),
        "user_id": pa.string(),
        "basket_id": pa.string(),
        "item_id": pa.string(),
        "timestamp": pa.timestamp("us", "UTC"),  # named: a shop's own files may be in local time
        "quantity": pa.float64(),
        "price": pa.float64(),
    }
)


class ParquetFiles:
    """`<directory>/day=2026-01-31/<identity of the journal>-<first event>.parquet`."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        self._directory = directory
        self._journal = journal
        directory.mkdir(0o750, parents=True, exist_ok=True)
        sync(directory.parent)

    def export(self, go_on: Callable[[], bool] = lambda: True) -> int:
        """Writes the events that are not in files yet; one worker of a machine at a time.

        Args:
            go_on: called after some thousand events; it ends early if that returns False.

        Returns:
            The number of events.

        Raises:
            JournalError: the journal cannot be read or written.
            TimeoutError: another worker exports.
            OSError: a file cannot be written.
        """
        exported = 0
        with self.held():
            self._settle()
            while (plan := self._journal.plan_export(_ROWS)).last_seq:
                self._write_planned(plan.identity, plan.lines)
                self._journal.mark_exported(plan.last_seq)
                exported += len(plan.lines)
                if not go_on():
                    break
        return exported

    def purge(self, forgotten: Forgotten) -> int:
        """Deletes purchases of forgotten users from all files; to be called within `held`.

        Returns:
            The number of deleted rows.

        Raises:
            OSError: a file cannot be read or written.
        """
        deleted = 0
        for path in sorted(self._directory.glob("day=*/*.parquet")):
            if path.name.startswith("."):  # of an export that was killed
                path.unlink()
            else:
                deleted += self._purge(path, forgotten)
        return deleted

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other workers from exporting.

        Raises:
            TimeoutError: another worker exports for too long.
        """
        with locked(self._directory, time.monotonic() + _PATIENCE_S):
            yield

    def _purge(self, path: Path, forgotten: Forgotten) -> int:
        try:
            file = pq.ParquetFile(path)
            if file.schema_arrow.names != _SCHEMA.names:
                return 0  # the shop's own
            users = file.read(["user_id"])["user_id"]
            known = {user: forgotten.since(user) for user in pc.unique(users).to_pylist()}
            since = {user: moment for user, moment in known.items() if moment is not None}
            if not since:
                return 0
            table = _in_utc(file.read())
        except pa.ArrowException as error:
            raise OSError(f"{path}: {error}") from error
        code = pc.fill_null(pc.index_in(users, pa.array(since, pa.string())), -1).to_numpy()
        counts_from = np.array([1_000_000 * each for each in since.values()] + [_ALWAYS])
        kept = table.filter(pa.array(_timestamps_us(table) >= counts_from[code]))
        if kept.num_rows:
            self._write(path, kept)
        else:
            path.unlink()
            sync(path.parent)
        deleted: int = table.num_rows - kept.num_rows
        return deleted

    def _settle(self) -> None:
        """Take an identity if the journal is new, or a copy that goes its own way from here.

        Its files that may still grow change their names, or one day they would be taken for those
        of the other copy.
        """
        old = self._journal.identity_elsewhere()
        if old is None:
            return
        new = token_hex(8)
        for path in self._directory.glob(f"day=*/{old}-*.parquet"):
            if _rows(path) < _LARGE:
                path.rename(path.with_name(path.name.replace(old, new)))
        self._journal.take_identity(new)

    def _write_planned(self, identity: str, lines: Sequence[Line]) -> None:
        days = _by_day(lines)
        if any(self._is_overtaken(day, identity, group[0]) for day, group in days.items()):
            identity = token_hex(8)
            self._journal.take_identity(identity)
        for day, group in days.items():
            self._add(day, identity, group)

    def _is_overtaken(self, day: str, identity: str, first: Line) -> bool:
        """Whether a large file begins with a later event: the journal was restored."""
        newest = self._newest(day, identity)
        if newest is None or _rows(newest) < _LARGE:
            return False
        return _name(identity, first) <= newest.name

    def _add(self, day: str, identity: str, lines: Sequence[Line]) -> None:
        """Add lines to the newest file of their day, or begin the next one if that is large."""
        table, newest = _table(lines), self._newest(day, identity)
        if newest is None:
            self._write(self._folder(day) / _name(identity, lines[0]), table)
            return
        old = _in_utc(pq.ParquetFile(newest).read())
        new = _new(table, old)
        if new.num_rows and old.num_rows < _LARGE:
            self._write(newest, pa.concat_tables([old, new]))
        elif new.num_rows:
            self._write(newest.with_name(_name(identity, lines[0])), new)

    def _newest(self, day: str, identity: str) -> Path | None:
        return max((self._directory / f"day={day}").glob(f"{identity}-*.parquet"), default=None)

    def _write(self, path: Path, table: pa.Table) -> None:
        unfinished = path.with_name(f".{path.name}")
        with private_file(unfinished, "w") as file:
            pq.write_table(table, file, compression="zstd")
            os.fsync(file.fileno())
        unfinished.replace(path)
        sync(path.parent)

    def _folder(self, day: str) -> Path:
        folder = self._directory / f"day={day}"
        if not folder.exists():
            folder.mkdir(0o750)
            sync(self._directory)
        return folder


def _name(identity: str, first: Line) -> str:
    return f"{identity}-{first.seq:012}.parquet"


def _rows(path: Path) -> int:
    rows: int = pq.read_metadata(path).num_rows
    return rows


def _in_utc(table: pa.Table) -> pa.Table:
    """The same rows; in files of earlier releases, timestamps are in UTC without naming it."""
    field = _SCHEMA.field("timestamp")
    timestamps = table[field.name].cast(field.type)
    return table.set_column(table.schema.get_field_index(field.name), field, timestamps)


def _new(table: pa.Table, old: pa.Table) -> pa.Table:
    """The rows of events that `old` does not have."""
    known = pc.is_in(table["event_id"], value_set=old["event_id"].combine_chunks())
    return table.filter(pc.invert(known))


def _timestamps_us(table: pa.Table) -> Int64:
    timestamps: Int64 = table["timestamp"].cast(pa.int64()).to_numpy()
    return timestamps


def _table(lines: Sequence[Line]) -> pa.Table:
    columns = dict(zip(Line._fields, zip(*lines, strict=True), strict=True))
    columns["timestamp"] = columns["timestamp_us"]
    arrays = [pa.array(columns[field.name], field.type) for field in _SCHEMA]
    return pa.table(arrays, schema=_SCHEMA)


def _by_day(lines: Sequence[Line]) -> dict[str, list[Line]]:
    days: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        moment = datetime.fromtimestamp(line.timestamp_us // 1_000_000, UTC)
        days[moment.date().isoformat()].append(line)
    return days
