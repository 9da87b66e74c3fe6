"""Events as Parquet files, one folder per day: transactions as the builder reads them.

Every event is in exactly one file, even if a writer is killed. A file appears whole or not at all,
and is named by its first event. Events that were written and not yet marked in the journal are
written again, from the same first event on, so that the new file replaces the old one.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from service.events.journal import Journal, Line
from service.support.files import locked, sync

_ROWS = 10_000  # at once, so that a backlog needs little memory, and writers wait briefly

_SCHEMA = pa.schema(
    {
        "event_id": pa.string(),
        "user_id": pa.string(),
        "basket_id": pa.string(),
        "item_id": pa.string(),
        "timestamp": pa.timestamp("us"),  # naive UTC, as the builder has it
        "quantity": pa.float64(),
        "price": pa.float64(),
    }
)


class ParquetFiles:
    """`<directory>/day=2026-01-31/<first event>.parquet`."""

    def __init__(self, directory: Path, journal: Journal) -> None:
        self._directory = directory
        self._journal = journal
        directory.mkdir(parents=True, exist_ok=True)
        sync(directory.parent)

    def export(self) -> int:
        """Writes the events that are not in files yet; one worker of a machine at a time.

        Returns:
            The number of events.

        Raises:
            JournalError: the journal cannot be read or written.
            OSError: a file cannot be written.
        """
        exported = 0
        with locked(self._directory):
            while lines := self._journal.unexported(_ROWS):
                for day, group in _by_day(lines).items():
                    self._write(day, group)
                self._journal.mark_exported(lines[-1].seq)
                exported += len(lines)
        return exported

    def _write(self, day: str, lines: Sequence[Line]) -> None:
        folder = self._directory / f"day={day}"
        if not folder.exists():
            folder.mkdir()
            sync(self._directory)
        path = folder / f"{lines[0].seq:012}.parquet"
        columns = dict(zip(Line._fields, zip(*lines, strict=True), strict=True))
        columns["timestamp"] = columns["timestamp_us"]
        arrays = [pa.array(columns[field.name], field.type) for field in _SCHEMA]
        unfinished = path.with_name(f".{path.name}")
        pq.write_table(pa.table(arrays, schema=_SCHEMA), unfinished)
        sync(unfinished)
        unfinished.replace(path)
        sync(folder)


def _by_day(lines: Sequence[Line]) -> dict[str, list[Line]]:
    days: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        moment = datetime.fromtimestamp(line.timestamp_us // 1_000_000, UTC)
        days[moment.date().isoformat()].append(line)
    return days
