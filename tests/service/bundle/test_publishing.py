"""Directories that appear complete or not at all."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from service.bundle.publishing import publish, staging

ROOT = Path(__file__).parents[3]
KILLED = """
import os, signal, sys
from pathlib import Path
from service.bundle.publishing import staging
with staging(Path(sys.argv[1])) as staged:
    (staged / "part").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def intact(path: Path) -> bool:
    return (path / "whole").exists()


def test_a_staged_directory_is_published_under_its_name(tmp_path: Path) -> None:
    with staging(tmp_path / "out") as staged:
        (staged / "whole").touch()
        publish(staged, tmp_path / "out" / "name", intact)
    assert (tmp_path / "out" / "current" / "whole").exists()
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"name", "current"}


def test_what_is_not_published_is_removed(tmp_path: Path) -> None:
    with staging(tmp_path) as staged:
        (staged / "part").touch()
    with pytest.raises(KeyboardInterrupt), staging(tmp_path) as staged:
        raise KeyboardInterrupt
    assert not list(tmp_path.iterdir())


def test_what_a_dead_writer_left_is_swept_and_what_a_living_one_holds_is_not(
    tmp_path: Path,
) -> None:
    left = subprocess.run([sys.executable, "-c", KILLED, tmp_path], cwd=ROOT, check=False)
    assert left.returncode == -9
    (dead,) = tmp_path.iterdir()
    assert (dead / "part").exists()
    ours = tmp_path / ".building-backup"  # by its name, no writer made it
    ours.mkdir()
    others = tmp_path / f".encoding-{'0' * 16}"
    others.mkdir()
    os.mkfifo(pipe := tmp_path / f".building-{'0' * 16}")
    with staging(tmp_path) as mine:
        assert not dead.exists()
        with staging(tmp_path) as other:
            assert mine.exists()
            (other / "whole").touch()
            publish(other, tmp_path / "name", intact)
        assert mine.exists()
    found = {path.name for path in tmp_path.iterdir()}
    assert found == {"name", "current", ours.name, others.name, pipe.name}


def test_a_published_directory_stays_unless_it_is_damaged(tmp_path: Path) -> None:
    final = tmp_path / "name"
    for content in ("first", "second"):
        with staging(tmp_path) as staged:
            (staged / "whole").write_text(content)
            publish(staged, final, intact)
    assert (final / "whole").read_text() == "first"
    (final / "whole").unlink()
    with staging(tmp_path) as staged:
        (staged / "whole").write_text("third")
        publish(staged, final, intact)
    assert (final / "whole").read_text() == "third"


def test_a_link_that_a_dead_writer_left_half_moved(tmp_path: Path) -> None:
    (tmp_path / ".current").symlink_to("nowhere")
    with staging(tmp_path) as staged:
        publish(staged, tmp_path / "name", intact)
    assert (tmp_path / "current").readlink() == Path("name")
    assert not (tmp_path / ".current").is_symlink()
