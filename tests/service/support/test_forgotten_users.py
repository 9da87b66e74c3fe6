"""The list of users who are to be forgotten."""

import os
import signal
import subprocess
import sys
from multiprocessing import get_context
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.support.forgotten_users import ForgottenUsers, ForgottenUsersError

NOON = 1_511_956_800
NAME = "forgotten.txt"


def test_without_a_list_nobody_is_forgotten(tmp_path: Path) -> None:
    users = ForgottenUsers(tmp_path)
    assert users.since("a") is None
    assert users.now().lines == 0
    assert list(tmp_path.iterdir()) == []


def test_who_is_added_is_forgotten_at_once_by_all_readers(tmp_path: Path) -> None:
    users, others = ForgottenUsers(tmp_path), ForgottenUsers(tmp_path)
    assert others.since("a") is None
    users.add("a", NOON)
    assert [each.since("a") for each in (users, others, ForgottenUsers(tmp_path))] == [NOON] * 3
    others.add("Zoë\ud800", NOON + 1)
    others.add("a", NOON + 2)
    users.add("a", NOON - 9)  # the clock was set back
    for each in (users, others, ForgottenUsers(tmp_path)):
        assert each.since("a") == NOON + 2
        assert each.since("Zoë\ud800") == NOON + 1
        assert each.since("b") is None


def test_the_list_shows_no_ids_and_no_hashes_that_others_could_make(tmp_path: Path) -> None:
    for directory in (tmp_path / "1", tmp_path / "2"):
        directory.mkdir()
        ForgottenUsers(directory).add("user-4", NOON)
    one, two = ((tmp_path / name / NAME).read_text() for name in "12")
    assert "user-4" not in one
    assert one.splitlines()[1].split()[0] != two.splitlines()[1].split()[0]


@pytest.mark.parametrize("umask", [0o022, 0o027, 0o077])
def test_it_can_be_read_by_whoever_can_read_new_bundles(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        ForgottenUsers(tmp_path).add("a", NOON)
    finally:
        os.umask(before)
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o666 & ~umask


def test_lines_that_are_done_are_left_out(tmp_path: Path) -> None:
    users = ForgottenUsers(tmp_path)
    for name in "abc":
        users.add(name, NOON)
    key = users.now().key
    later = users.after(key, 2)
    assert [later.since(name) for name in "abc"] == [None, None, NOON]
    assert later.lines == 3
    assert users.after(key, 3).moments == {}
    assert len(users.after(b"of another list", 3).moments) == 3


@pytest.mark.parametrize("bundle", ["bundles", "bundles/current", "bundles/0123"])
def test_it_is_beside_the_bundle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, bundle: str
) -> None:
    directory = tmp_path / "bundles" / "0123"
    directory.mkdir(parents=True)
    (directory / "manifest.json").touch()
    (tmp_path / "bundles" / "current").symlink_to("0123")
    ForgottenUsers(tmp_path / "bundles").add("a", NOON)
    assert ForgottenUsers.beside(tmp_path / bundle).since("a") == NOON
    monkeypatch.chdir(tmp_path / bundle)
    assert ForgottenUsers.beside(Path()).since("a") == NOON


@given(st.lists(st.integers(0, 300), max_size=9))
def test_half_a_line_at_the_end_harms_neither_readers_nor_writers(
    tmp_path_factory: pytest.TempPathFactory, cuts: list[int]
) -> None:
    directory = tmp_path_factory.mktemp("list")
    reader = ForgottenUsers(directory)
    for number, cut in enumerate(cuts):
        ForgottenUsers(directory).add(f"{number}", NOON)
        with (directory / NAME).open("ab") as file:
            file.write(b"rtt2vec-forgotten 1 " if not cut else b"0" * (cut % 43))
        assert reader.since(f"{number}") == NOON
    known = ForgottenUsers(directory)
    assert [known.since(f"{n}") for n in range(len(cuts) + 1)] == [NOON] * len(cuts) + [None]


def test_a_new_list_that_was_cut_off_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"rtt2vec-forgotten 1 0123")
    users = ForgottenUsers(tmp_path)
    assert users.since("a") is None
    users.add("a", NOON)
    assert ForgottenUsers(tmp_path).since("a") == NOON


BROKEN = {
    "another form": b"a\nb\n",
    "no head": b"0" * 32 + b" 1\n",
    "a broken line": b"rtt2vec-forgotten 1 " + b"0" * 64 + b"\n" + b"0" * 31 + b" 1\n",
    "a binary": bytes(100) + b"\n",
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=BROKEN.keys())
def test_a_list_of_another_form_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    (tmp_path / NAME).write_bytes(content)
    users = ForgottenUsers(tmp_path)
    with pytest.raises(ForgottenUsersError, match="expected a list"):
        users.since("a")
    with pytest.raises(ForgottenUsersError, match="expected a list"):
        users.add("a", NOON)
    assert (tmp_path / NAME).read_bytes() == content


def test_what_is_no_file_is_refused_and_hangs_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / NAME)
    users = ForgottenUsers(tmp_path)
    with pytest.raises(ForgottenUsersError):
        users.since("a")
    with pytest.raises(OSError, match="not a regular file"):
        users.add("a", NOON)


@pytest.mark.parametrize("content", [None, b"", b"rtt2vec-forgotten", b"a\n"])
def test_whoever_is_known_stays_forgotten_while_the_list_is_gone_or_broken(
    tmp_path: Path, content: bytes | None
) -> None:
    users = ForgottenUsers(tmp_path)
    users.add("a", NOON)
    users.add("b", NOON)
    assert users.since("b") == NOON
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).unlink()
    if content is not None:
        (tmp_path / NAME).write_bytes(content)
    assert [users.since(name) for name in "abc"] == [NOON, NOON, None]
    if content == b"a\n":
        return
    users.add("c", NOON)
    assert (tmp_path / NAME).read_bytes().startswith(whole)
    assert [ForgottenUsers(tmp_path).since(name) for name in "abc"] == [NOON] * 3


def test_a_list_that_is_copied_over_in_place_hides_nobody_meanwhile(tmp_path: Path) -> None:
    users = ForgottenUsers(tmp_path)
    for name in "abc":
        users.add(name, NOON)
    assert users.since("c") == NOON
    whole = (tmp_path / NAME).read_bytes()
    (tmp_path / NAME).write_bytes(whole[:-50])
    assert users.since("c") == NOON
    (tmp_path / NAME).write_bytes(whole)
    assert users.since("c") == NOON
    users.add("d", NOON)
    assert ForgottenUsers(tmp_path).since("d") == NOON


def test_a_directory_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        ForgottenUsers(tmp_path / "none").add("a", NOON)


def add(directory: Path, names: list[str]) -> None:
    for name in names:
        ForgottenUsers(directory).add(name, NOON)


def test_several_writers_lose_no_line(tmp_path: Path) -> None:
    context = get_context("fork")
    names = [[f"{writer}-{number}" for number in range(30)] for writer in range(3)]
    writers = [context.Process(target=add, args=(tmp_path, several)) for several in names]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    users = ForgottenUsers(tmp_path)
    assert all(users.since(name) == NOON for several in names for name in several)
    assert users.now().lines == 90


def test_what_a_killed_writer_had_said_is_in_the_list(tmp_path: Path) -> None:
    code = (
        "import sys, pathlib, itertools\n"
        "from service.support.forgotten_users import ForgottenUsers\n"
        "users = ForgottenUsers(pathlib.Path(sys.argv[1]))\n"
        "for number in itertools.count():\n"
        "    users.add(f'{sys.argv[2]}-{number}', 1)\n"
        "    print(number, flush=True)\n"
    )
    said: list[str] = []
    for life in range(5):
        command = [sys.executable, "-c", code, str(tmp_path), str(life)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(7 * life + 1)]
            writer.send_signal(signal.SIGKILL)
            lines += [line for line in writer.stdout if line.endswith("\n")]
            said += [f"{life}-{int(line)}" for line in lines]
    users = ForgottenUsers(tmp_path)
    assert all(users.since(name) == 1 for name in said)
