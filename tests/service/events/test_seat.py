"""How workers divide the partitions of a topic, and what becomes of them when one is killed."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from service.events.kafka.seat import Seat, divided

_SIT = """
import sys
from pathlib import Path
from service.events.kafka.seat import Seat
seat = Seat(Path(sys.argv[1]))
print("sits", flush=True)
sys.stdin.read()
"""


@contextmanager
def sitting(directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process that has a seat."""
    command = [sys.executable, "-c", _SIT, str(directory)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"sits\n"
            yield process
        finally:
            process.kill()


@st.composite
def situations(draw: st.DrawFn) -> tuple[int, list[int]]:
    """A number of seats, and those that are taken."""
    seats = draw(st.integers(1, 12))
    return seats, sorted(draw(st.sets(st.integers(0, seats - 1), min_size=1)))


@given(st.integers(0, 100), situations())
def test_every_partition_has_an_owner_who_is_there(
    partitions: int, situation: tuple[int, list[int]]
) -> None:
    seats, taken = situation
    owners = divided(range(partitions), seats, taken)
    assert set(owners) == set(range(partitions))
    assert set(owners.values()) <= set(taken)
    shares = Counter(owners.values())
    assert max(shares[seat] for seat in taken) - min(shares[seat] for seat in taken) <= 2


@given(st.integers(1, 12), st.integers(0, 100))
def test_with_all_seats_taken_shares_differ_by_one_at_most(seats: int, partitions: int) -> None:
    shares = Counter(divided(range(partitions), seats, list(range(seats))).values())
    counts = [shares[seat] for seat in range(seats)]
    assert max(counts) - min(counts) <= 1


@given(st.integers(2, 12), st.integers(0, 100), st.data())
def test_only_the_partitions_of_a_worker_that_goes_change_hands(
    seats: int, partitions: int, data: st.DataObject
) -> None:
    gone = data.draw(st.integers(0, seats - 1))
    all_seats = list(range(seats))
    before = divided(range(partitions), seats, all_seats)
    after = divided(range(partitions), seats, [seat for seat in all_seats if seat != gone])
    changed = {each for each in before if before[each] != after[each]}
    assert changed == {each for each, owner in before.items() if owner == gone}


def test_workers_never_have_the_same_seat(tmp_path: Path) -> None:
    seats = [Seat(tmp_path / "seats") for _ in range(3)]
    shares = [seat.share(range(10)) for seat in seats]
    assert sorted(each for share in shares for each in share) == list(range(10))
    assert all(shares)
    for seat in seats:
        seat.leave()


def test_directories_have_nothing_to_do_with_each_other(tmp_path: Path) -> None:
    for name in ("one", "another"):
        assert Seat(tmp_path / name).share(range(4)) == frozenset(range(4))


def test_a_killed_worker_is_stood_in_for_at_once_and_its_successor_gets_all_back(
    tmp_path: Path,
) -> None:
    seat = Seat(tmp_path)
    with sitting(tmp_path) as process:
        assert seat.share(range(4)) == {0, 2}
        process.kill()
        process.wait()
        assert seat.share(range(4)) == {0, 1, 2, 3}
    with sitting(tmp_path):
        assert seat.share(range(4)) == {0, 2}
    seat.leave()


def test_what_else_lies_in_the_directory_is_no_seat(tmp_path: Path) -> None:
    (tmp_path / "lost+found").mkdir()
    (tmp_path / ".0.swp").write_text("")
    seat = Seat(tmp_path)
    assert seat.share(range(4)) == {0, 1, 2, 3}
    seat.leave()
