"""Parquet files: each event is in exactly one, by day, in the builder's format."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from unittest.mock import Mock

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from index_builder.transactions.reading import Reading
from index_builder.transactions.tables.timestamps import TimestampFormat
from index_builder.transactions.transactions import read_transactions
from service.events.event import Event
from service.events.journal import Journal
from service.events.parquet import ParquetFiles
from service.support.files import locked
from service.support.forgotten_users import ForgottenUsers

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


def rows(path: Path) -> int:
    found: int = pq.read_metadata(path).num_rows
    return found


def test_every_event_is_in_the_folder_of_its_day(journal: Journal, tmp_path: Path) -> None:
    files = ParquetFiles(tmp_path / "parquet", journal)
    journal.append([event(1), event(2, hours=12), event(3, hours=11.9)])
    assert files.export() == 3
    found = sorted(tmp_path.glob("parquet/*/*"))
    identity, *_ = found[0].name.partition("-")
    assert [str(path.relative_to(tmp_path)) for path in found] == [
        f"parquet/day=2026-01-31/{identity}-000000000001.parquet",
        f"parquet/day=2026-02-01/{identity}-000000000002.parquet",
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
    class Killed(BaseException):
        """The process ends here."""

    files = ParquetFiles(tmp_path / "parquet", journal)
    journal.append([event(0)])
    files.export()
    journal.append([event(1), event(2, hours=13)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Journal, "mark_exported", Mock(side_effect=Killed))
        with pytest.raises(Killed):
            files.export()
    journal.append([event(3)])
    assert files.export() == 3
    assert event_ids(tmp_path / "parquet") == ["e0", "e1", "e3", "e2"]


def test_files_are_few_and_grow_until_they_are_large(journal: Journal, tmp_path: Path) -> None:
    files = ParquetFiles(tmp_path / "parquet", journal)
    sizes = []
    for first in range(0, 28_000, 7_000):
        journal.append([event(number) for number in range(first, first + 7_000)])
        files.export()
        sizes.append(sorted(rows(path) for path in tmp_path.rglob("*.parquet")))
    assert sizes == [[7_000], [14_000], [21_000], [7_000, 21_000]]
    assert event_ids(tmp_path) == [f"e{number}" for number in range(28_000)]


def test_a_new_journal_overwrites_nothing(journal: Journal, tmp_path: Path) -> None:
    """The old one was lost, or the folder is that of another machine."""
    journal.append([event(number) for number in range(6)])
    ParquetFiles(tmp_path / "parquet", journal).export()
    new = Journal(tmp_path / "new")
    new.append([event(6)])
    ParquetFiles(tmp_path / "parquet", new).export()
    new.close()
    assert sorted(event_ids(tmp_path / "parquet")) == [f"e{number}" for number in range(7)]


@pytest.mark.parametrize("exported", [5, 25_000], ids=["small files", "large files"])
@pytest.mark.parametrize("in_place", [False, True])
def test_a_restored_journal_overwrites_nothing(
    tmp_path: Path, exported: int, in_place: bool
) -> None:
    old = Journal(tmp_path / "old")
    old.append([event(0)])
    files = ParquetFiles(tmp_path / "parquet", old)
    files.export()
    with closing(sqlite3.connect(tmp_path / "backup")) as backup, old.held() as db:
        db.backup(backup)
    old.append([event(number) for number in range(1, exported)])
    files.export()
    old.close()

    where = tmp_path / ("old" if in_place else "restored")
    where.mkdir(exist_ok=True)
    with (
        closing(sqlite3.connect(tmp_path / "backup")) as backup,
        closing(sqlite3.connect(where / "events.sqlite")) as database,
    ):
        backup.backup(database)
    restored = Journal(where)
    for number in (exported, exported + 1):
        restored.append([event(number)])
        ParquetFiles(tmp_path / "parquet", restored).export()
    restored.close()
    found = sorted(int(each[1:]) for each in event_ids(tmp_path / "parquet"))
    assert found == list(range(exported + 2))


def test_a_copied_journal_writes_files_of_other_names(tmp_path: Path) -> None:
    """Two machines that began with the same disk; their folders are merged for a build."""
    first = Journal(tmp_path / "a")
    first.append([event(0)])
    ParquetFiles(tmp_path / "a" / "parquet", first).export()
    first.close()
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    for name, number in (("a", 1), ("b", 2)):
        journal = Journal(tmp_path / name)
        journal.append([event(number)])
        ParquetFiles(tmp_path / name / "parquet", journal).export()
        journal.close()
    shutil.copytree(tmp_path / "a" / "parquet", tmp_path / "merged")
    shutil.copytree(tmp_path / "b" / "parquet", tmp_path / "merged", dirs_exist_ok=True)
    assert set(event_ids(tmp_path / "merged")) == {"e0", "e1", "e2"}


def test_one_worker_exports_at_a_time(journal: Journal, tmp_path: Path) -> None:
    files = ParquetFiles(tmp_path / "parquet", journal)
    journal.append([event(1)])
    with locked(tmp_path / "parquet"), pytest.raises(TimeoutError):
        files.export()
    assert event_ids(tmp_path) == []
    assert files.export() == 1


def test_it_ends_early_when_it_is_told_to(journal: Journal, tmp_path: Path) -> None:
    journal.append([event(number) for number in range(10_001)])
    files = ParquetFiles(tmp_path / "parquet", journal)
    assert files.export(go_on=lambda: False) == 10_000
    assert files.export() == 1


def test_files_and_the_names_in_their_folders_are_on_the_disk(
    journal: Journal, tmp_path: Path, synced: list[Path]
) -> None:
    parquet = tmp_path / "parquet"
    files = ParquetFiles(parquet, journal)
    assert synced == [tmp_path]
    day = parquet / "day=2026-01-31"
    for number, folders in ((1, [parquet]), (2, [])):
        synced.clear()
        journal.append([event(number)])
        files.export()
        (file,) = day.glob("*.parquet")
        assert synced == [*folders, day / f".{file.name}", day]


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
    assert lines["begun_at"].item(0) == NOON.replace(tzinfo=None)


def test_timestamps_name_their_timezone(journal: Journal, tmp_path: Path) -> None:
    journal.append([event(1)])
    ParquetFiles(tmp_path / "parquet", journal).export()
    (file,) = tmp_path.glob("parquet/*/*")
    assert pq.read_schema(file).field("timestamp").type == pa.timestamp("us", "UTC")
    local = Reading(timestamps=TimestampFormat(zone="America/New_York"))
    assert read_transactions(file, local).lines["begun_at"].item() == NOON.replace(tzinfo=None)


@pytest.fixture
def naive(journal: Journal, tmp_path: Path) -> Path:
    """A file of two events, by a release whose timestamps did not name their timezone."""
    journal.append([event(1), event(2, hours=1)])
    ParquetFiles(tmp_path / "parquet", journal).export()
    (file,) = tmp_path.glob("parquet/*/*")
    table = pq.ParquetFile(file).read()
    place = table.column_names.index("timestamp")
    timestamps = table["timestamp"].cast(pa.timestamp("us"))
    pq.write_table(table.set_column(place, "timestamp", timestamps), file)
    return file


def moments(file: Path) -> list[datetime]:
    found: list[datetime] = pq.ParquetFile(file).read()["timestamp"].to_pylist()
    return found


def test_a_file_without_timezones_has_them_when_it_grows(
    naive: Path, journal: Journal, tmp_path: Path
) -> None:
    assert moments(naive)[0].tzinfo is None
    journal.append([event(3, hours=2)])
    assert ParquetFiles(tmp_path / "parquet", journal).export() == 1
    assert [*tmp_path.glob("parquet/*/*")] == [naive]
    assert moments(naive) == [NOON + timedelta(hours=hours) for hours in range(3)]


def test_a_file_without_timezones_has_them_when_a_user_is_forgotten(
    naive: Path, journal: Journal, tmp_path: Path
) -> None:
    forgotten = ForgottenUsers(tmp_path)
    forgotten.add("u0", int(NOON.timestamp()) + 7200)
    assert ParquetFiles(tmp_path / "parquet", journal).purge(forgotten.now()) == 1
    assert moments(naive) == [NOON]
