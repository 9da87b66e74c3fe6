"""Writing a bundle and reading it back."""

import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from service.bundle.arrays import Arrays
from service.bundle.bundle import Bundle, BundleContents, load_bundle, preview_bundle, write_bundle
from service.bundle.catalogue import Catalogue
from service.bundle.errors import BundleError
from service.retrieval.exact import Exact
from tests.service.bundle.conftest import DATA, tiny_contents


@pytest.fixture(params=["exact", "faiss", "nmslib"])
def contents(request: pytest.FixtureRequest) -> BundleContents:
    return tiny_contents(request.param)


def test_what_is_written_is_read_back(tmp_path: Path, contents: BundleContents) -> None:
    directory = write_bundle(tmp_path, contents)
    bundle = load_bundle(tmp_path)
    assert bundle.path == directory == tmp_path / bundle.bundle_id
    for name, array in contents.present().items():
        np.testing.assert_array_equal(getattr(bundle, name), array, strict=True)
    assert bundle.catalogue == contents.catalogue
    assert bundle.catalogue.index["item-3"] == 3
    assert bundle.user_ids == contents.user_ids
    assert bundle.user_ids.row("user-5") == 5
    assert bundle.dimension == 4
    manifest = bundle.manifest
    assert (manifest.as_of, manifest.build) == (contents.as_of, contents.build)
    assert (manifest.serving, manifest.metrics) == (contents.serving, contents.metrics)
    assert manifest.retrieval.backend == bundle.retrieval.name == contents.retrieval.name
    assert manifest.retrieval.ann_recall_at_k == contents.ann_recall_at_k
    queries = contents.recall_queries
    for found, wanted in zip(
        bundle.retrieval.search(queries, 9), contents.retrieval.search(queries, 9), strict=True
    ):
        np.testing.assert_array_equal(found, wanted, strict=True)


def test_arrays_are_mapped_and_cannot_be_written(tmp_path: Path) -> None:
    write_bundle(tmp_path, tiny_contents())
    for array in load_bundle(tmp_path).present().values():
        assert isinstance(array.base, np.memmap)
        assert not array.flags.writeable


def files_of(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


@pytest.mark.parametrize("backend", ["exact", "faiss"])
def test_equal_contents_make_equal_bytes(tmp_path: Path, backend: str) -> None:
    first = write_bundle(tmp_path / "a", tiny_contents(backend))
    second = write_bundle(tmp_path / "b", tiny_contents(backend))
    assert first.name == second.name
    assert files_of(first) == files_of(second)


def test_other_contents_have_another_id(tmp_path: Path) -> None:
    base = tiny_contents()
    changes: list[dict[str, Any]] = [
        {"as_of": "2017-12-02T00:00:00"},
        {"build": {"dimension": 5}},
        {"metrics": {}},
        {"item_count": base.item_count + 1},
        {"user_ids": [f"u{u}" for u in range(6)]},
    ]
    ids = {write_bundle(tmp_path, replace(base, **change)).name for change in [{}, *changes]}
    assert len(ids) == len(changes) + 1


def test_the_newest_is_current(tmp_path: Path) -> None:
    first = write_bundle(tmp_path, tiny_contents(seed=1))
    second = write_bundle(tmp_path, tiny_contents(seed=2))
    assert (tmp_path / "current").readlink() == Path(second.name)
    assert load_bundle(tmp_path).path == second
    assert load_bundle(tmp_path / "current").path == second
    assert load_bundle(first).path == first
    assert write_bundle(tmp_path, tiny_contents(seed=1)) == first
    assert load_bundle(tmp_path).path == first
    assert {path.name for path in tmp_path.iterdir()} == {first.name, second.name, "current"}


def test_a_copy_that_followed_the_link_serves_and_takes_the_next_bundle(tmp_path: Path) -> None:
    first = write_bundle(tmp_path / "shop", tiny_contents(seed=1))
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path / "shop", copy)  # follows links, as `cp -rL` and S3 do
    shutil.rmtree(copy / first.name)
    assert not (copy / "current").is_symlink()
    assert load_bundle(copy).bundle_id == first.name
    assert load_bundle(copy / "current").path == copy / "current"
    second = write_bundle(copy, tiny_contents(seed=2))
    assert load_bundle(copy).path == second
    assert (copy / "current").readlink() == Path(second.name)


def test_a_bundle_directory_can_be_moved_as_a_whole(tmp_path: Path) -> None:
    write_bundle(tmp_path / "here", tiny_contents())
    (tmp_path / "here").rename(tmp_path / "there")
    assert load_bundle(tmp_path / "there").bundle_id


def test_building_again_heals_a_damaged_bundle(tmp_path: Path) -> None:
    directory = write_bundle(tmp_path, tiny_contents())
    (directory / "user_h.npy").write_bytes(b"")
    with pytest.raises(BundleError):
        load_bundle(tmp_path)
    write_bundle(tmp_path, tiny_contents())
    assert load_bundle(tmp_path).path == directory


def test_a_writer_that_fails_leaves_nothing(tmp_path: Path) -> None:
    class FullDisk(Exact):
        def save(self, directory: Path) -> None:
            raise OSError(f"no space left for {directory}")

    good = write_bundle(tmp_path, tiny_contents())
    base = tiny_contents(seed=2)
    with pytest.raises(OSError, match="no space left"):
        write_bundle(tmp_path, replace(base, retrieval=FullDisk(base.item_vectors)))
    assert {path.name for path in tmp_path.iterdir()} == {good.name, "current"}
    assert load_bundle(tmp_path).path == good


def test_without_any_history(tmp_path: Path) -> None:
    nothing = {name: getattr(tiny_contents(), name)[:0] for name in HISTORY}
    write_bundle(tmp_path, tiny_contents(history_indptr=np.zeros(7, np.int64), **nothing))
    assert len(load_bundle(tmp_path).history_item) == 0


HISTORY = ("history_item", "history_count", "history_recency", "history_last")


Change = Callable[[BundleContents], dict[str, Any]]
CONTRADICTIONS: list[tuple[str, Change]] = [
    ("item_vectors.npy: .*float32", lambda b: {"item_vectors": b.item_vectors.astype(float)}),
    ("item_vectors.npy", lambda b: {"item_vectors": b.item_vectors[:, :-1]}),
    ("item_count.npy: .*shape", lambda b: {"item_count": b.item_count[1:]}),
    ("user_h.npy", lambda b: {"user_h": b.user_h[:-1]}),
    ("item_count.npy: .*shape", lambda b: {"item_count": b.item_count[:, np.newaxis]}),
    ("history_recency.npy", lambda b: {"history_recency": b.history_recency[:-1]}),
    ("recall_queries.npy", lambda b: {"recall_queries": b.recall_queries[:, 1:]}),
    ("recall_queries.npy: .*at least one", lambda b: {"recall_queries": b.recall_queries[:0]}),
    ("item_vectors.npy: .*finite", lambda b: {"item_vectors": b.item_vectors * np.float32(np.nan)}),
    ("user_h.npy: .*finite", lambda b: {"user_h": b.user_h * np.float32(np.nan)}),
    ("history_indptr.npy", lambda b: {"history_indptr": b.history_indptr + 1}),
    ("history_indptr.npy", lambda b: {"history_indptr": b.history_indptr[[0, 2, 1, 3, 4, 5, 6]]}),
    ("history_item.npy: .*0 to 39", lambda b: {"history_item": b.history_item + np.int32(30)}),
    ("history_item.npy: .*user 0", lambda b: {"history_item": b.history_item[::-1]}),
    ("items.arrow: .*distinct", lambda _: {"catalogue": Catalogue(*(["same"] * 40,) * 5)}),
    ("users.arrow: .*distinct", lambda _: {"user_ids": ["same"] * 6}),
    ("user", lambda _: {"user_ids": ["one"]}),
]


@pytest.mark.parametrize(("message", "change"), CONTRADICTIONS)
def test_contradictory_contents_are_not_written(
    tmp_path: Path, message: str, change: Change
) -> None:
    with pytest.raises(BundleError, match=message):
        write_bundle(tmp_path, tiny_contents(**change(tiny_contents())))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "change",
    [
        {"metrics": {"recall_at_k": float("nan")}},
        {"serving": {"popularity_weight": float("inf")}},
        {"as_of": "yesterday"},
        {"ann_recall_at_k": 1.5},
    ],
)
def test_facts_that_no_manifest_can_hold_are_not_written(
    tmp_path: Path, change: dict[str, Any]
) -> None:
    with pytest.raises(BundleError, match="manifest"):
        write_bundle(tmp_path, tiny_contents(**change))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("path", sorted((DATA / "bundle-v1").iterdir()), ids=lambda path: path.name)
def test_bundles_of_version_1_load_for_ever(path: Path) -> None:
    bundle = load_bundle(path)
    wanted = tiny_contents()
    assert isinstance(bundle, Bundle)
    for spec in fields(Arrays):
        if getattr(bundle, spec.name) is not None:
            assert len(getattr(bundle, spec.name)) > 0
    assert bundle.catalogue == wanted.catalogue
    assert bundle.user_ids == wanted.user_ids
    _, found = bundle.retrieval.search(bundle.recall_queries[:1], 20)
    assert set(found[0]) == set(range(0, 40, 2))  # the query is a bakery anchor


def test_an_array_that_is_lacking_is_named_with_what_needs_it() -> None:
    bundle = preview_bundle(tiny_contents())
    assert bundle.required("item_count", "a test") is bundle.item_count
    with pytest.raises(BundleError, match=r"past_item\.npy: .*the ranker needs it"):
        bundle.required("past_item", "the ranker")


def test_arrays_in_memory_are_as_read_only_as_mapped_ones() -> None:
    contents = tiny_contents()
    assert not any(array.flags.writeable for array in preview_bundle(contents).present().values())
    assert contents.item_count.flags.writeable
