"""The journal: every event once, on disk, and visible to all processes."""

import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from service.events.errors import JournalError
from service.events.event import Event
from service.events.journal import PURCHASES_READ, Journal, Purchase

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)
MANY = 60_000


def event(number: int, user_id: str = "u", at: datetime = AT) -> Event:
    return Event(
        event_id=f"e{number}", user_id=user_id, basket_id="b", item_id=f"i{number}", timestamp=at
    )


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def test_an_event_is_kept_once(journal: Journal) -> None:
    assert journal.append([event(1), event(2), event(1)]) == ["new", "new", "known"]
    assert journal.append([event(2), event(3)]) == ["known", "new"]
    assert [line.event_id for line in journal.plan_export(10).lines] == ["e1", "e2", "e3"]


def test_what_one_has_committed_another_reads(journal: Journal, tmp_path: Path) -> None:
    other = Journal(tmp_path)
    assert other.last_seq("u") is None
    journal.append([event(1)])
    assert other.last_seq("u") == 1
    assert other.purchases("u") == [Purchase("b", "i1", int(AT.timestamp()))]
    other.close()


def test_it_is_still_there_when_it_is_opened_again(journal: Journal, tmp_path: Path) -> None:
    journal.append([event(1)])
    journal.mark_exported(1)
    journal.close()
    again = Journal(tmp_path)
    assert again.append([event(1)]) == ["known"]
    assert again.plan_export(10).lines == []
    again.close()


def test_many_writers_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    journals = [Journal(tmp_path) for _ in range(3)]  # each opens the file, as each worker does
    batches = [[event(n) for n in range(start, start + 20)] for start in range(0, 200, 10)]
    with ThreadPoolExecutor(6) as threads:
        fates = threads.map(lambda n: journals[n % 3].append(batches[n]), range(len(batches)))
    assert sum(fate.count("new") for fate in fates) == 210
    assert len(journals[0].plan_export(1000).lines) == 210
    for journal in journals:
        journal.close()


def test_a_batch_is_kept_whole_or_not_at_all(journal: Journal) -> None:
    beyond = event(2).model_copy(update={"quantity": object()})
    with pytest.raises(JournalError):
        journal.append([event(1), beyond])
    assert journal.plan_export(10).lines == []
    assert journal.append([event(1)]) == ["new"]


@pytest.mark.parametrize("replaced", [False, True])
def test_events_are_not_written_to_a_file_that_is_gone(
    journal: Journal, tmp_path: Path, replaced: bool
) -> None:
    journal.append([event(1)])
    (tmp_path / "events.sqlite").unlink()
    if replaced:
        (tmp_path / "events.sqlite").touch()
    with pytest.raises(JournalError, match="not the file that was opened"):
        journal.append([event(2)])


def test_a_basket_has_one_owner(journal: Journal) -> None:
    assert journal.append([event(1), event(2, "thief")]) == ["new", "foreign"]
    assert journal.append([event(3, "thief"), event(4)]) == ["foreign", "new"]
    assert journal.last_seq("thief") is None


def test_of_a_user_with_many_events_the_newest_are_read(journal: Journal) -> None:
    stored = range(PURCHASES_READ + 200)
    journal.append([event(n, at=AT - timedelta(hours=n)) for n in stored])
    found = journal.purchases("u")
    assert [purchase.item_id for purchase in found] == [f"i{n}" for n in stored[200:]]


def test_others_may_write_while_it_forgets(journal: Journal, tmp_path: Path) -> None:
    journal.append([event(number) for number in range(MANY)])
    journal.mark_exported(MANY)
    with (
        ThreadPoolExecutor(1) as thread,
        closing(sqlite3.connect(tmp_path / "events.sqlite")) as db,
    ):
        forgetting = thread.submit(journal.forget, 1)
        while (left := db.execute("SELECT count(*) FROM events").fetchone()[0]) == MANY:
            pass
        assert left > 1
        assert journal.append([event(MANY)]) == ["new"]
        assert forgetting.result() in (MANY - 1, MANY)  # the newest stays


def test_it_forgets_the_oldest_that_are_in_files_and_counts_on(journal: Journal) -> None:
    journal.append([event(number) for number in range(10)])
    assert journal.forget(3) == 0  # none is in a file
    journal.mark_exported(5)
    assert journal.forget(7) == 3
    assert journal.forget(3) == 2
    journal.mark_exported(10)
    assert journal.forget(1) == 4
    assert journal.append([event(8), event(9), event(10)]) == ["new", "known", "new"]
    assert [line.event_id for line in journal.plan_export(10).lines] == ["e8", "e10"]
    assert len(journal.purchases("u")) == 3
