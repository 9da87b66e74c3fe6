"""Large files are read once on a machine, as long as nobody changes them."""

import hashlib
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest

from service.bundle import stamp
from service.bundle.bundle import load_bundle, write_bundle
from service.bundle.errors import BundleError, BundleInvalidError
from service.bundle.manifest import FileFacts
from tests.data.tiny_bundle import tiny_contents

LARGE = {"item_vectors.npy", "history_last.npy"}


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """This user's own files; nothing else, so that there is no second place for stamps."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    (tmp_path / "file").touch()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "file"))
    return tmp_path / "cache" / "rtt2vec"


@pytest.fixture
def bundle(tmp_path: Path, own: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle of which two files count as large, in a directory of bundles."""
    written = write_bundle(tmp_path / "bundles", tiny_contents())
    sizes = {path.name: path.stat().st_size for path in written.iterdir()}
    least = min(sizes[name] for name in LARGE)
    assert {name for name, size in sizes.items() if size >= least} - {"manifest.json"} >= LARGE
    monkeypatch.setattr(stamp, "LARGE_BYTES", least)
    assert not own.exists()
    return written


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> None:
    """Some seconds after the files were written."""
    now = time.time_ns
    monkeypatch.setattr(time, "time_ns", lambda: now() + 10_000_000_000)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files whose bytes are read."""
    names: list[str] = []
    of = FileFacts.of

    def spy(path: Path) -> FileFacts:
        names.append(path.name)
        return of(path)

    monkeypatch.setattr(FileFacts, "of", spy)
    return names


def stamps(own: Path) -> list[Path]:
    return [each for each in own.rglob("*") if each.is_file()]


@pytest.mark.usefixtures("later")
def test_the_second_start_reads_no_large_file(bundle: Path, own: Path, read: list[str]) -> None:
    first = load_bundle(bundle)
    assert set(read) == set(first.manifest.files)
    assert len(stamps(own)) == 1
    read.clear()
    again = load_bundle(bundle)
    assert LARGE.isdisjoint(read)
    assert "user_h.npy" in read
    np.testing.assert_array_equal(again.item_vectors, first.item_vectors)


@pytest.mark.usefixtures("later")
def test_a_file_that_changed_is_read_again_and_refused(bundle: Path) -> None:
    load_bundle(bundle)
    path = bundle / "item_vectors.npy"
    facts, good = path.stat(), path.read_bytes()
    path.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    os.utime(path, ns=(facts.st_atime_ns, facts.st_mtime_ns))  # as if nothing had happened
    for _ in range(2):
        with pytest.raises(BundleError, match=r"item_vectors\.npy: expected SHA-256"):
            load_bundle(bundle)
    path.write_bytes(good)
    assert load_bundle(bundle)


@pytest.mark.usefixtures("later")
def test_building_again_heals_what_a_stamp_hides(bundle: Path, read: list[str]) -> None:
    load_bundle(bundle)
    read.clear()
    assert write_bundle(bundle.parent, tiny_contents()) == bundle
    assert set(read) >= LARGE


@pytest.mark.usefixtures("later")
def test_a_copy_is_read(bundle: Path, tmp_path: Path, read: list[str]) -> None:
    load_bundle(bundle)
    read.clear()
    load_bundle(Path(shutil.copytree(bundle, tmp_path / "copy" / bundle.name)))
    assert set(read) >= LARGE


@pytest.mark.usefixtures("later")
def test_stamps_of_bundles_that_are_gone_go(bundle: Path, own: Path, tmp_path: Path) -> None:
    load_bundle(bundle)
    first = stamps(own)
    (own / "verified" / "of-an-older-release").touch()
    copy = Path(shutil.copytree(bundle, tmp_path / "copy" / bundle.name))
    load_bundle(copy)
    assert len(stamps(own)) == 2
    shutil.rmtree(bundle)
    load_bundle(Path(shutil.copytree(copy, tmp_path / "another" / bundle.name)))
    assert len(stamps(own)) == 2
    assert not first[0].exists()


@pytest.mark.usefixtures("later")
def test_the_number_of_stamps_is_bounded(
    bundle: Path, own: Path, tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stamp, "MOST_STAMPS", 2)
    for number in range(4):
        copy = Path(shutil.copytree(bundle, tmp_path / str(number) / bundle.name))
        load_bundle(copy)
        assert len(stamps(own)) == min(2, number + 1)
        for age, path in enumerate(stamps(own)):
            os.utime(path, ns=(age, age))
    read.clear()
    load_bundle(copy)
    assert LARGE.isdisjoint(read)


def test_a_file_that_was_just_written_may_change_unseen(
    bundle: Path, own: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = max((bundle / name).stat().st_ctime_ns for name in LARGE)
    monkeypatch.setattr(time, "time_ns", lambda: written + 1_000_000_000)
    load_bundle(bundle)
    assert stamps(own) == []


@pytest.mark.usefixtures("later")
@pytest.mark.parametrize("mode", [0o777, 0o720])
def test_a_stamp_that_others_could_leave_counts_for_nothing(
    bundle: Path, own: Path, read: list[str], mode: int
) -> None:
    load_bundle(bundle)
    own.chmod(mode)
    read.clear()
    load_bundle(bundle)
    assert set(read) >= LARGE


@pytest.mark.usefixtures("later")
def test_without_a_place_for_stamps_all_is_read(bundle: Path, own: Path, read: list[str]) -> None:
    own.parent.touch()
    for _ in range(2):
        read.clear()
        load_bundle(bundle)
        assert set(read) >= LARGE


@pytest.mark.usefixtures("later")
def test_wrong_values_are_refused_every_time(bundle: Path, own: Path) -> None:
    """As from a builder with a bug: the bytes are those of the manifest."""
    values = np.load(bundle / "item_vectors.npy")
    values[3, 1] = np.nan
    np.save(bundle / "item_vectors.npy", values)
    document = json.loads((bundle / "manifest.json").read_bytes())
    content = (bundle / "item_vectors.npy").read_bytes()
    document["files"]["item_vectors.npy"]["sha256"] = hashlib.sha256(content).hexdigest()
    del document["bundle_id"]
    document["bundle_id"] = hashlib.sha256(spelled(document)).hexdigest()[:16]
    (bundle / "manifest.json").write_bytes(spelled(document))
    renamed = bundle.rename(bundle.with_name(document["bundle_id"]))
    for _ in range(2):
        with pytest.raises(BundleInvalidError, match=r"item_vectors\.npy: expected finite"):
            load_bundle(renamed)
    assert stamps(own) == []


def spelled(document: dict[str, object]) -> bytes:
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()
