"""Dead letters: each is written once, whole, and to the disk.

Run as a module, this file is the writer whose disk is full.
"""

import json
import resource
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.events.dead_letters import DeadLetter, DeadLetters
from service.events.journal import Journal
from service.support.files import locked

SIZE = 1 << 20  # of a letter; the journal is smaller
NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def letter(event: str, reason: str = "no", source: str = "http") -> DeadLetter:
    return DeadLetter(source, reason, event.encode())


def path(directory: Path) -> Path:
    return directory / "dead_letters.jsonl"


def letters_in(
    directory: Path, journal: Journal, limit_bytes: int = 1 << 30, days: float = 90
) -> DeadLetters:
    return DeadLetters(path(directory), journal, limit_bytes, days)


def found(directory: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in path(directory).read_text().splitlines()]
    return [(line["source"], line["reason"], line["event"]) for line in lines]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def test_what_comes_again_is_there_once(journal: Journal, tmp_path: Path) -> None:
    letters = letters_in(tmp_path, journal)
    letters.write([letter("a", source="t/0/1"), letter("b"), letter("a", source="t/0/2")])
    letters.write([letter("c"), letter("a", source="t/0/1"), letter("a", "another reason")])
    journal.close()
    again = Journal(tmp_path)  # after a restart, or another worker's
    letters_in(tmp_path, again).write([letter("b", source="t/1/7")])
    again.close()
    assert found(tmp_path) == [
        ("t/0/1", "no", "a"),
        ("http", "no", "b"),
        ("http", "no", "c"),
        ("http", "another reason", "a"),
    ]


def test_workers_with_the_same_letter_write_it_once(tmp_path: Path) -> None:
    journals = [Journal(tmp_path) for _ in range(3)]
    writers = [letters_in(tmp_path, journal) for journal in journals]
    batches = [[letter(f"{n}") for n in range(start, start + 10)] for start in range(30)]
    with ThreadPoolExecutor(6) as threads:
        list(threads.map(lambda n: writers[n % 3].write(batches[n]), range(30)))
    assert sorted(int(event) for *_, event in found(tmp_path)) == list(range(39))
    for journal in journals:
        journal.close()


def test_a_full_disk_leaves_no_part_of_a_line(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tests.service.events.test_dead_letters", str(tmp_path)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, timeout=60)
    assert "No space left on device" in done.stdout
    assert [event[0] for *_, event in found(tmp_path)] == ["a", "b"]


def test_the_name_of_the_first_file_is_on_the_disk_too(
    journal: Journal, tmp_path: Path, synced: list[Path]
) -> None:
    letters = letters_in(tmp_path, journal)
    letters.write([letter("a")])
    assert synced == [path(tmp_path), tmp_path]
    letters.write([letter("b")])
    assert synced[2:] == [path(tmp_path)]


@pytest.mark.parametrize("torn", [b'{"time":', b"{", b'{"time":"' + b"x" * 200_000])
def test_half_a_line_that_a_killed_writer_left_is_removed(
    journal: Journal, tmp_path: Path, torn: bytes
) -> None:
    letters = letters_in(tmp_path, journal)
    letters.write([letter("a")])
    with path(tmp_path).open("ab") as file:
        file.write(torn)
    letters.write([letter("b")])
    assert [event for *_, event in found(tmp_path)] == ["a", "b"]
    with path(tmp_path).open("ab") as file:
        file.write(torn)
    letters.drop_old(NOW)  # as the service does every minute
    assert [event for *_, event in found(tmp_path)] == ["a", "b"]


def test_a_file_of_half_a_line_becomes_one_of_whole_lines(journal: Journal, tmp_path: Path) -> None:
    path(tmp_path).write_bytes(b'{"time":')
    letters_in(tmp_path, journal).write([letter("a")])
    assert [event for *_, event in found(tmp_path)] == ["a"]


@given(st.lists(st.integers(0, 400), min_size=1, max_size=30), st.integers(2000, 5000))
def test_the_newest_letters_stay_within_the_limit(sizes: list[int], limit_bytes: int) -> None:
    with TemporaryDirectory() as folder:
        directory, journal = Path(folder), Journal(Path(folder))
        letters = letters_in(directory, journal, limit_bytes)
        for number, size in enumerate(sizes):
            letters.write([letter(f"{number} {'x' * size}")])
            assert letters.size() <= limit_bytes
        numbers = [int(event.split()[0]) for *_, event in found(directory)]
        assert numbers == list(range(len(sizes)))[-len(numbers) :]
        assert numbers
        journal.close()


def test_a_letter_that_was_dropped_is_written_again(journal: Journal, tmp_path: Path) -> None:
    letters = letters_in(tmp_path, journal, limit_bytes=1000)
    first, later = letter("first" * 20), [letter(f"{n}" * 200) for n in range(4)]
    for each in (first, *later, later[-1], first):
        letters.write([each])
    events = [event for *_, event in found(tmp_path)]
    assert events[-2:] == [later[-1].event.decode(), first.event.decode()]


def test_letters_beyond_their_age_are_dropped(journal: Journal, tmp_path: Path) -> None:
    letters = letters_in(tmp_path, journal, days=1)
    letters.write([letter("a"), letter("b")])
    old, new = path(tmp_path).read_text().splitlines(keepends=True)
    at = json.loads(new)["time"]
    old = old.replace(json.loads(old)["time"], "2026-01-30T11:00:00+00:00")
    path(tmp_path).write_text(old + new)
    letters.drop_old(NOW)
    assert [event for *_, event in found(tmp_path)] == ["b"]
    letters.drop_old(datetime.fromisoformat(at) + timedelta(days=2))
    assert found(tmp_path) == []
    letters.write([letter("a")])
    assert [event for *_, event in found(tmp_path)] == ["a"]


def test_writers_that_are_kept_waiting_give_up(journal: Journal, tmp_path: Path) -> None:
    letters = letters_in(tmp_path, journal)
    now = time.monotonic()
    with locked(tmp_path):
        with pytest.raises(TimeoutError):
            letters.write([letter("a")], until=now)
        with pytest.raises(TimeoutError):
            letters.drop_old(NOW, until=now)
        with pytest.raises(TimeoutError):
            letters.drop_if(lambda _: True, until=now)
    letters.write([letter("a")])
    assert len(found(tmp_path)) == 1


def test_unwanted_letters_are_dropped_wherever_they_are(journal: Journal, tmp_path: Path) -> None:
    letters = letters_in(tmp_path, journal)
    letters.write([letter("a"), letter("b")])
    assert letters.set_apart()
    letters.write([letter("a"), letter("c")])
    assert letters.drop_if(lambda text: text == "a") == 2
    assert letters.drop_if(lambda text: text == "a") == 0
    assert [event for *_, event in found(tmp_path)] == ["c"]
    assert [event.text for event in letters.read_replayed()] == [b"b"]


def main(directory: Path) -> None:
    """Write a letter, then another that there is room for half of, and again with room for it."""
    journal = Journal(directory)
    letters = letters_in(directory, journal)
    letters.write([letter("a" * SIZE)])
    size = path(directory).stat().st_size
    room = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (SIZE * 3 // 2, room[1]))
    try:
        letters.write([letter("b" * SIZE)])
    except OSError as error:
        print(error)
    assert path(directory).stat().st_size == size
    resource.setrlimit(resource.RLIMIT_FSIZE, room)
    letters.write([letter("b" * SIZE)])
    journal.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
