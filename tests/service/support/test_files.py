"""Files that are read with care."""

import os
from pathlib import Path

import pytest

from service.support.files import read_regular, write_whole


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
