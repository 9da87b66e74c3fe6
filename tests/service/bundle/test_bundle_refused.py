"""A damaged or malformed bundle is refused, with the name of the file."""

import hashlib
import os
import resource
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.bundle import load_bundle, write_bundle
from service.bundle.errors import (
    BundleDamagedError,
    BundleError,
    BundleInvalidError,
    BundleMissingError,
    BundleRecallError,
)
from service.retrieval import backend, measure_ann_recall
from service.retrieval.exact import Exact
from tests.service.bundle.conftest import DATA, resigned, tiny_contents

BUNDLES = sorted((DATA / "bundle-v1").iterdir())
FILES = [path for bundle in BUNDLES for path in sorted(bundle.iterdir())]


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny bundles, in a directory where one byte of one file at a time may be spoiled."""
    return Path(shutil.copytree(DATA / "bundle-v1", tmp_path_factory.mktemp("copies") / "v1"))


@pytest.mark.parametrize("original", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
@settings(max_examples=15, deadline=None)
@given(data=st.data())
def test_one_changed_byte_in_any_file(original: Path, copies: Path, data: st.DataObject) -> None:
    path = copies / original.parent.name / original.name
    good = path.read_bytes()
    spoiled = bytearray(good)
    spoiled[data.draw(st.integers(0, len(good) - 1))] ^= data.draw(st.integers(1, 255))
    path.write_bytes(spoiled)
    try:
        with pytest.raises(BundleError, match=path.name):
            load_bundle(path.parent)
    finally:
        path.write_bytes(good)


@pytest.mark.parametrize("name", [path.name for path in FILES if path.parent == BUNDLES[0]])
def test_a_file_that_is_missing_short_or_long(name: str, copies: Path) -> None:
    path = copies / BUNDLES[0].name / name
    good = path.read_bytes()
    for spoiled in (good[:-1], good + b"\n", b""):
        path.write_bytes(spoiled)
        with pytest.raises(BundleDamagedError, match=name):
            load_bundle(path.parent)
    path.unlink()
    with pytest.raises(BundleMissingError, match=name):
        load_bundle(path.parent)
    path.write_bytes(good)
    assert load_bundle(path.parent)


def test_no_bundle_at_all(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere", tmp_path / "file"):
        (tmp_path / "file").touch()
        with pytest.raises(BundleMissingError, match="rtt2vec-build"):
            load_bundle(path)
    (tmp_path / "current").symlink_to("0123456789abcdef")
    with pytest.raises(BundleMissingError, match="current"):
        load_bundle(tmp_path)


def test_another_name(bundle: Path) -> None:
    renamed = bundle.rename(bundle.with_name("0123456789abcdef"))
    with pytest.raises(BundleInvalidError, match=f"{bundle.name}.*found 0123456789abcdef"):
        load_bundle(renamed)


def test_an_array_that_no_release_knows(bundle: Path) -> None:
    def smuggle(document: dict[str, Any]) -> None:
        shutil.copy(bundle / "user_h.npy", bundle / "more.npy")
        for section, name in (("arrays", ""), ("files", ".npy")):
            document[section][f"more{name}"] = document[section][f"user_h{name}"]

    with pytest.raises(BundleInvalidError, match=r"arrays: .*found .*more"):
        load_bundle(resigned(bundle, smuggle))


def test_an_array_of_another_shape_than_promised(bundle: Path) -> None:
    with pytest.raises(BundleInvalidError, match=r"user_h\.npy: .*\(4, 6\).*\(6, 4\)"):
        load_bundle(resigned(bundle, lambda d: d["arrays"]["user_h"].update(shape=[4, 6])))


@pytest.mark.parametrize(("name", "content"), [("user_h.npy", b"PK"), ("users.arrow", b"ARROW1")])
def test_a_file_of_another_kind(bundle: Path, name: str, content: bytes) -> None:
    def replace_file(document: dict[str, Any]) -> None:
        (bundle / name).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        document["files"][name] = {"bytes": len(content), "sha256": digest}

    with pytest.raises(BundleInvalidError, match=name):
        load_bundle(resigned(bundle, replace_file))


def test_an_array_of_pickled_objects(bundle: Path) -> None:
    def pickle_it(document: dict[str, Any]) -> None:
        np.save(bundle / "user_h.npy", np.array([{}], object), allow_pickle=True)
        content = (bundle / "user_h.npy").read_bytes()
        digest = hashlib.sha256(content).hexdigest()
        document["files"]["user_h.npy"] = {"bytes": len(content), "sha256": digest}

    with pytest.raises(BundleInvalidError, match=r"user_h\.npy"):
        load_bundle(resigned(bundle, pickle_it))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"backend": "annoy"}, "expected exact, faiss or nmslib, found 'annoy'"),
        ({"parameters": {"ef": 1}}, "'ef'"),
        ({"parameters": {"k_factor": 0}}, "'k_factor'"),
        ({"parameters": {"dims_per_code": 2}}, "found dims_per_code 1, lists 0"),
        ({"parameters": {"lists": 2}}, "found dims_per_code 1, lists 0"),
    ],
)
def test_a_retrieval_that_cannot_be_loaded(
    bundle: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(BundleInvalidError, match=message):
        load_bundle(resigned(bundle, lambda document: document["retrieval"].update(change)))


@pytest.mark.parametrize("name", ["faiss", "nmslib"])
def test_an_index_that_finds_less_than_promised(tmp_path: Path, name: str) -> None:
    """As when a library reads its file differently from the release that wrote it."""
    base = tiny_contents()
    narrow = {"k_factor": 1} if name == "faiss" else {"ef_search": 1}
    of_other_rows = backend(name).build(-base.item_vectors, narrow)
    path = write_bundle(tmp_path, replace(base, retrieval=of_other_rows, ann_recall_k=2))
    with pytest.raises(BundleRecallError, match=rf"{name} index.*recall@2 of 0\.95, found 0\."):
        load_bundle(path)


def test_the_promised_recall_is_measured_on_the_stored_queries(bundle: Path) -> None:
    loaded = load_bundle(bundle)
    exact = Exact(loaded.item_vectors)
    recall = measure_ann_recall(loaded.retrieval, exact, loaded.recall_queries)
    assert recall == loaded.manifest.retrieval.ann_recall_at_k


def test_a_bundle_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleMissingError, match="expected a bundle that can be read"):
        load_bundle(tmp_path / ("long" * 100))


def test_what_helps_depends_on_why_a_bundle_cannot_be_read(bundle: Path) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with Path(os.devnull).open() as file:
        none_left = file.fileno()  # the lowest free one
    resource.setrlimit(resource.RLIMIT_NOFILE, (none_left, limits[1]))
    try:
        with pytest.raises(BundleMissingError, match="ulimit -n") as caught:
            load_bundle(bundle)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert "rtt2vec-build" not in str(caught.value)
    load_bundle(bundle)


@pytest.mark.parametrize("name", ["manifest.json", "items.arrow", "item_vectors.npy"])
def test_a_pipe_in_the_place_of_a_file_is_refused(bundle: Path, name: str) -> None:
    (bundle / name).unlink()
    os.mkfifo(bundle / name)
    with pytest.raises(BundleMissingError):
        load_bundle(bundle)
