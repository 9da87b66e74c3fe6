"""Parquet files: each event is in exactly one, by day, in the builder's format."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from index_builder.transactions.transactions import read_transactions
from service.events.event import Event
from service.events.journal import Journal
from service.events.parquet import ParquetFiles

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def event(number: int, hours: float = 0, quantity: float | None = None) -> Event:
    return Event(
        event_id=f"e{number}",
        user_id=f"u{number % 2}",
        basket_id=f"b{number}",
        item_id=f"i{number}",
        timestamp=NOON + timedelta(hours=hours),
        quantity=quantity,
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def event_ids(directory: Path) -> list[str]:
    """Of all files, in their order."""
    files = sorted(directory.rglob("*.parquet"))
    columns = [pq.ParquetFile(file).read(["event_id"])["event_id"] for file in files]
    return [event_id for column in columns for event_id in column.to_pylist()]


def test_every_event_is_in_the_folder_of_its_day(journal: Journal, tmp_path: Path) -> None:
    files = ParquetFiles(tmp_path / "parquet", journal)
    journal.append([event(1), event(2, hours=12), event(3, hours=11.9)])
    assert files.export() == 3
    found = sorted(tmp_path.glob("parquet/*/*"))
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        "parquet/day=2026-01-31/000000000001.parquet",
        "parquet/day=2026-02-01/000000000002.parquet",
    ]
    assert event_ids(tmp_path) == ["e1", "e3", "e2"]


def test_an_export_takes_up_where_the_last_one_ended(journal: Journal, tmp_path: Path) -> None:
    journal.append([event(1)])
    assert ParquetFiles(tmp_path / "parquet", journal).export() == 1
    journal.append([event(1), event(2)])
    other = ParquetFiles(tmp_path / "parquet", journal)  # another worker's, or after a restart
    assert other.export() == 1
    assert other.export() == 0
    assert event_ids(tmp_path) == ["e1", "e2"]


def test_what_was_written_and_not_noted_is_not_there_twice(
    journal: Journal, tmp_path: Path
) -> None:
    journal.append([event(1), event(2, hours=13)])
    copy = Journal(tmp_path / "copy")  # with the same events, none marked as exported
    copy.append([event(1), event(2, hours=13), event(3)])
    ParquetFiles(tmp_path / "parquet", journal).export()
    assert ParquetFiles(tmp_path / "parquet", copy).export() == 3
    assert event_ids(tmp_path / "parquet") == ["e1", "e3", "e2"]
    copy.close()


def test_the_name_of_a_new_folder_is_on_the_disk_too(
    journal: Journal, tmp_path: Path, synced: list[Path]
) -> None:
    parquet = tmp_path / "parquet"
    files = ParquetFiles(parquet, journal)
    assert synced == [tmp_path]
    day = parquet / "day=2026-01-31"
    for number, folders in ((1, [parquet, day]), (2, [day])):
        synced.clear()
        journal.append([event(number)])
        files.export()
        assert [path for path in synced if path.is_dir()] == folders


def test_half_a_file_is_none(journal: Journal, tmp_path: Path) -> None:
    folder = tmp_path / "parquet" / "day=2026-01-31"
    folder.mkdir(parents=True)
    (folder / ".000000000001.parquet").write_bytes(b"PAR1 and then it was killed")
    journal.append([event(1)])
    ParquetFiles(tmp_path / "parquet", journal).export()
    assert read_transactions(tmp_path / "parquet").lines.height == 1


def test_the_builder_reads_them(journal: Journal, tmp_path: Path) -> None:
    journal.append([event(1), event(2, hours=12, quantity=3), event(3, hours=0.5)])
    ParquetFiles(tmp_path / "parquet", journal).export()
    lines = read_transactions(tmp_path / "parquet").lines
    assert lines["user_id"].to_list() == ["u1", "u1", "u0"]
    assert lines["item_id"].to_list() == ["i1", "i3", "i2"]
    assert lines["quantity"].to_list() == [1, 1, 3]
    assert lines["begun_at"].item(0) == NOON.replace(tzinfo=None)
