"""The directory that workers share, and what becomes of a start where it cannot be used."""

import tempfile
from pathlib import Path

import pytest

from service.supervision.start_checks import StartError, shared_directory
from tests.data.own_disk import run_on_a_disk
from tests.service.conftest import COMMAND

SHARED_MEMORY = Path("/dev/shm")


def test_too_little_room_is_refused_with_what_is_needed(bundle_dir: Path, tmp_path: Path) -> None:
    flags = ("--bundle", bundle_dir, "--port", 0, "--workers", 2)
    done = run_on_a_disk("size=40k", tmp_path, COMMAND, *flags, TMPDIR=str(tmp_path))
    assert done.returncode == 1
    expected = "expected room for 4 MiB, the metrics of 2 workers, found 0.04 MiB"
    assert done.stderr.startswith(f"rtt2vec-serve: {tmp_path}: {expected}")
    assert "TMPDIR" in done.stderr
    assert done.stderr.count("\n") == 1


def test_shared_memory_that_cannot_be_written_is_not_needed(tmp_path: Path) -> None:
    flags = ("--bundle", tmp_path, "--port", 0, "--workers", 2)
    done = run_on_a_disk("ro", SHARED_MEMORY, COMMAND, *flags)
    assert done.stderr.startswith(f"rtt2vec-serve: {tmp_path}: expected a bundle")


def test_no_folder_for_temporary_files_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(StartError, match=r"expected a folder for temporary files .* TMPDIR"):
        shared_directory(2).__enter__()


def test_a_directory_with_room_is_gone_at_the_end() -> None:
    with shared_directory(2) as shared:
        assert not [*shared.iterdir()]
    assert not shared.exists()
