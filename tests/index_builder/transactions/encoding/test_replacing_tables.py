"""Encoded tables take the place of older ones in one step."""

import errno
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from index_builder.transactions.encoding.encoded_tables import (
    read_encoded_tables,
    replacing_tables,
)
from index_builder.transactions.encoding.manifest import read_manifest
from index_builder.transactions.errors import EncodedTablesError, UnreadableFileError
from tests.data.odd_shop import encoded, odd_lines, write_files

ROOT = Path(__file__).parents[4]
KILLED = """
import os, signal, sys
from pathlib import Path
from index_builder.transactions.encoding.encoded_tables import replacing_tables
with replacing_tables(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""

KILLED_AT_EVERY_STEP = """
import os, shutil, signal, sys
from itertools import count
from pathlib import Path
from index_builder.transactions.encoding.encoded_tables import replacing_tables

STEPS = {"os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.scandir", "shutil.rmtree"}


def encode(out, step):
    steps = count(1)

    def watch(event, _arguments):
        if event in STEPS and next(steps) == step:
            os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(watch)
    with replacing_tables(out) as (tables, _):
        (tables / "manifest.json").write_text("new")


for step in count(1):
    out = Path(sys.argv[1], str(step), "encoded")
    out.mkdir(parents=True)
    (out / "manifest.json").write_text("old")
    if not (child := os.fork()):
        encode(out, step)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
"""


def test_new_tables_take_the_place_of_old_ones(folder: Path, tmp_path: Path) -> None:
    shop = write_files(tmp_path / "other", odd_lines(2, 20), ("1.csv",))
    assert encoded("polars", shop, folder).summary.source.endswith("other")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["encoded", "other", "shop"]


def test_what_fails_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = read_encoded_tables(folder).summary
    with pytest.raises(ZeroDivisionError), replacing_tables(folder):
        raise ZeroDivisionError
    assert read_encoded_tables(folder).summary == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["encoded", "shop"]


def test_a_link_stays_where_it_is(folder: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(folder)
    shop = write_files(tmp_path / "other", odd_lines(2, 20), ("1.csv",))
    expected = encoded("polars", shop, link)
    assert link.is_symlink()
    assert read_manifest(folder) == expected


def test_of_two_at_once_the_later_one_stays(folder: Path) -> None:
    with replacing_tables(folder) as (slow, _):
        (slow / "manifest.json").write_text("slow")
        with replacing_tables(folder) as (quick, _):
            (quick / "manifest.json").write_text("quick")
        assert [each.name for each in folder.iterdir()] == ["manifest.json"]
    assert (folder / "manifest.json").read_text() == "slow"
    assert [each.name for each in folder.parent.iterdir() if each.name.startswith(".")] == []


@pytest.mark.parametrize("out", [".", "/proc"], ids=["the working directory", "a mounted"])
def test_what_cannot_be_replaced_is_refused_before_the_work(
    out: str, request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    found = f"can be replaced, found {request.node.callspec.id}"
    with pytest.raises(EncodedTablesError, match=found), replacing_tables(Path(out)):
        pytest.fail("it began")


@pytest.mark.parametrize("name", [b"caf\xe9", b"caf\xe9/encoded"])
def test_a_name_that_is_not_utf_8_is_refused_before_the_work(name: bytes, tmp_path: Path) -> None:
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    refused = pytest.raises(UnreadableFileError, match=r"caf\\xe9.*: expected a name in UTF-8")
    with refused, replacing_tables(out):
        pytest.fail("it began")
    assert not [*tmp_path.iterdir()]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    with (
        pytest.raises(EncodedTablesError, match="found something else"),
        replacing_tables(tmp_path / "photos"),
    ):
        pass


def test_what_a_killed_encoding_left_goes_and_that_of_a_running_one_stays(tmp_path: Path) -> None:
    out = tmp_path / "encoded"
    left = subprocess.run([sys.executable, "-c", KILLED, out], cwd=ROOT, check=False)
    assert left.returncode == -9
    (dead,) = tmp_path.iterdir()
    shop = write_files(tmp_path / "shop", odd_lines(1, 20), ("1.csv",))
    with replacing_tables(tmp_path / "other") as (_, running):
        assert not dead.exists()
        encoded("polars", shop, out)
        assert running.exists()
    assert {path.name for path in tmp_path.iterdir()} == {"shop", "encoded", "other"}


def test_killed_at_every_step_there_are_the_old_tables_or_the_new_ones(tmp_path: Path) -> None:
    """The next encoding finds them, even if it fails, and so does one of other tables beside."""
    command = [sys.executable, "-c", KILLED_AT_EVERY_STEP, str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    found, moved = [], []
    for folder in sorted(tmp_path.iterdir(), key=lambda each: int(each.name)):
        moved.append(not (folder / "encoded").exists())
        with replacing_tables(folder / "other"):
            pass
        found.append(found_by_one_that_fails(folder / "encoded"))
        assert (folder / "encoded" / "manifest.json").read_text() == found[-1]
        with replacing_tables(folder / "encoded") as (tables, _):
            (tables / "manifest.json").write_text("next")
        assert (folder / "encoded" / "manifest.json").read_text() == "next"
        assert sorted(each.name for each in folder.iterdir()) == ["encoded", "other"]
    assert found == sorted(found, reverse=True)  # the old ones first
    assert {*found} == {"old", "new"}
    assert any(moved)


def found_by_one_that_fails(out: Path) -> str:
    with suppress(ZeroDivisionError), replacing_tables(out):
        found = (out / "manifest.json").read_text()
        raise ZeroDivisionError
    return found


def test_a_failure_between_the_steps_puts_the_tables_back(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = read_encoded_tables(folder).summary
    rename = Path.rename

    def full(self: Path, target: Path) -> Path:
        if self.name == "tables":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(OSError, match="No space"), replacing_tables(folder):
        pass
    assert read_encoded_tables(folder).summary == before
