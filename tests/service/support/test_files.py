"""Files that are read with care."""

import os
from pathlib import Path

import pytest

from service.support.files import (
    read_regular,
    replacing,
    try_to_write,
    try_to_write_into,
    write_whole,
)


def test_a_file_is_read_up_to_its_limit(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"12345")
    assert read_regular(tmp_path / "file", 5) == b"12345"
    with pytest.raises(OSError, match="more than 4 bytes"):
        read_regular(tmp_path / "file", 4)
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_might_never_end_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/dev/zero")
    for name in ("fifo", "link", "."):
        with pytest.raises(OSError, match="not a regular file"):
            read_regular(tmp_path / name, 1)
    with pytest.raises(FileNotFoundError):
        read_regular(tmp_path / "none", 1)


def test_a_file_that_could_not_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with replacing(path) as new:
            new.write_text("half")
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        fail()
    assert path.read_text() == "old"
    with replacing(path) as new:
        new.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert [each.name for each in tmp_path.iterdir()] == ["file"]


def test_what_a_killed_writer_left_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    left, others = tmp_path / ".file-4194305", tmp_path / ".file-backup"
    left.write_text("half")
    others.touch()
    with replacing(tmp_path / "file") as new:
        assert not left.exists()
        new.write_text("new")
        writing = new.rename(left)  # as if another process wrote it
        with replacing(tmp_path / "file") as newer:
            assert writing.exists()
            newer.write_text("newer")
        writing.rename(new)
    assert {each.name for each in tmp_path.iterdir()} == {"file", others.name}
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("own", [True, False])
def test_a_pipe_named_like_what_a_writer_left_holds_nobody_up(tmp_path: Path, own: bool) -> None:
    os.mkfifo(tmp_path / f".file-{os.getpid() if own else 4194305}")
    with replacing(tmp_path / "file") as new:
        new.write_text("new")
    assert [each.name for each in tmp_path.iterdir()] == ["file"]
    assert (tmp_path / "file").read_text() == "new"


def test_a_file_that_is_being_written_is_not_written_to_by_another(tmp_path: Path) -> None:
    with replacing(tmp_path / "file") as new:
        new.write_text("new")
        with pytest.raises(FileExistsError), replacing(tmp_path / "file"):
            pass
    assert (tmp_path / "file").read_text() == "new"


def test_a_device_is_written_to_directly() -> None:
    with replacing(Path("/dev/null")) as new:
        new.write_text("nothing")
    assert Path("/dev/null").is_char_device()
    try_to_write(Path("/dev/null"))


def test_a_place_is_tried_before_the_work(tmp_path: Path) -> None:
    try_to_write(tmp_path / "file")
    try_to_write_into(tmp_path / "new" / "directory")
    assert [each.name for each in tmp_path.iterdir()] == ["new"]
    (tmp_path / "file").write_text("old")
    try_to_write(tmp_path / "file")
    assert (tmp_path / "file").read_text() == "old"
    with pytest.raises(FileNotFoundError):
        try_to_write(tmp_path / "none" / "file")
    with pytest.raises(IsADirectoryError):
        try_to_write(tmp_path)
    with pytest.raises(NotADirectoryError):
        try_to_write_into(tmp_path / "file" / "directory")
    with pytest.raises(OSError, match="proc"):  # nothing can be written there
        try_to_write_into(Path("/proc/self"))
