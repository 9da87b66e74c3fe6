"""Dead letters: each is written once, whole, and to the disk.

Run as a module, this file is the writer whose disk is full.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from service.events.dead_letters import DeadLetter, DeadLetters
from service.events.journal import Journal

SIZE = 1 << 20  # of a letter; the journal is smaller


def letter(event: str, reason: str = "no", source: str = "http") -> DeadLetter:
    return DeadLetter(source, reason, event.encode())


def path(directory: Path) -> Path:
    return directory / "dead_letters.jsonl"


def found(directory: Path) -> list[tuple[str, str, str]]:
    lines = [json.loads(line) for line in path(directory).read_text().splitlines()]
    return [(line["source"], line["reason"], line["event"]) for line in lines]


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path)
    yield journal
    journal.close()


def test_what_comes_again_is_there_once(journal: Journal, tmp_path: Path) -> None:
    letters = DeadLetters(path(tmp_path), journal)
    letters.write([letter("a", source="t/0/1"), letter("b"), letter("a", source="t/0/2")])
    letters.write([letter("c"), letter("a", source="t/0/1"), letter("a", "another reason")])
    journal.close()
    again = Journal(tmp_path)  # after a restart, or another worker's
    DeadLetters(path(tmp_path), again).write([letter("b", source="t/1/7")])
    again.close()
    assert found(tmp_path) == [
        ("t/0/1", "no", "a"),
        ("http", "no", "b"),
        ("http", "no", "c"),
        ("http", "another reason", "a"),
    ]


def test_workers_with_the_same_letter_write_it_once(tmp_path: Path) -> None:
    journals = [Journal(tmp_path) for _ in range(3)]
    writers = [DeadLetters(path(tmp_path), journal) for journal in journals]
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
    letters = DeadLetters(path(tmp_path), journal)
    letters.write([letter("a")])
    assert synced == [path(tmp_path), tmp_path]
    letters.write([letter("b")])
    assert synced[2:] == [path(tmp_path)]


def main(directory: Path) -> None:
    """Write a letter, then another that there is room for half of, and again with room for it."""
    journal = Journal(directory)
    letters = DeadLetters(path(directory), journal)
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
