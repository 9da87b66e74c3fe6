"""A manifest that is damaged, malformed or contradicts itself is refused."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.bundle.bundle import load_bundle
from service.bundle.errors import (
    BundleDamagedError,
    BundleError,
    BundleInvalidError,
    BundleMissingError,
    BundleVersionError,
)
from tests.service.bundle.conftest import resigned


def test_the_id_is_the_hash_of_the_rest_of_the_manifest(bundle: Path) -> None:
    assert resigned(bundle, lambda _: None) == bundle
    assert load_bundle(bundle).bundle_id == bundle.name


def test_a_manifest_of_another_spelling(bundle: Path) -> None:
    manifest = bundle / "manifest.json"
    manifest.write_text(json.dumps(json.loads(manifest.read_text())))
    with pytest.raises(BundleDamagedError, match=r"manifest\.json.*spelling"):
        load_bundle(bundle)


def test_a_manifest_with_a_changed_fact(bundle: Path) -> None:
    manifest = bundle / "manifest.json"
    manifest.write_text(manifest.read_text().replace("2017-12-01", "2017-12-02"))
    with pytest.raises(BundleDamagedError, match=rf"manifest\.json.*found {bundle.name}"):
        load_bundle(bundle)


@pytest.mark.parametrize("text", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'"text"', b"[" * 9999])
def test_a_manifest_that_is_no_json_object(bundle: Path, text: bytes) -> None:
    (bundle / "manifest.json").write_bytes(text)
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(bundle)


@pytest.mark.parametrize(
    "change", [{"format_version": 2}, {"format_version": "1"}, {"format": "other"}, {"format": []}]
)
def test_another_format_or_version(bundle: Path, change: dict[str, Any]) -> None:
    with pytest.raises(BundleVersionError, match=r"expected .*version 1, found .*Install"):
        load_bundle(resigned(bundle, lambda document: document.update(change)))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
@pytest.mark.parametrize("where", ['"popularity_weight": ', '"seed": '])
def test_numbers_that_are_none(bundle: Path, where: str, number: str) -> None:
    manifest = bundle / "manifest.json"
    manifest.write_text(re.sub(f"{where}[0-9.]+", where + number, manifest.read_text()))
    with pytest.raises(BundleError, match=r"manifest\.json"):
        load_bundle(bundle)


def test_no_version(bundle: Path) -> None:
    with pytest.raises(BundleVersionError, match=r"found .* version None"):
        load_bundle(resigned(bundle, lambda document: document.pop("format_version")))


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("surprise", lambda document: document.update(surprise=1)),
        ("metrics", lambda document: document.pop("metrics")),
        ("as_of", lambda document: document.update(as_of="yesterday")),
        ("retrieval.target", lambda document: document["retrieval"].update(target=2)),
        ("retrieval.ef", lambda document: document["retrieval"].update(ef=2)),
        ("files.user_h.npy.bytes", lambda document: document["files"]["user_h.npy"].pop("bytes")),
        ("arrays.user_h", lambda document: document["arrays"].update(user_h=None)),
    ],
)
def test_a_malformed_manifest(
    bundle: Path, field: str, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(BundleInvalidError, match=rf"manifest\.json, field {field}"):
        load_bundle(resigned(bundle, change))


@pytest.mark.parametrize("name", ["../user_h.npy", "/etc/passwd", "a/b", "a\\b", "..", ".", ""])
def test_a_file_name_that_leads_out_of_the_bundle(bundle: Path, name: str) -> None:
    def point_outside(document: dict[str, Any]) -> None:
        document["files"][name] = document["files"]["user_h.npy"]

    with pytest.raises(BundleInvalidError, match=r"manifest\.json, field files"):
        load_bundle(resigned(bundle, point_outside))


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["files"].update({"more.npy": document["files"]["user_h.npy"]}),
        lambda document: document["files"].pop("user_h.npy"),
        lambda document: document["files"].pop("index.faiss"),
        lambda document: document["arrays"].pop("user_h"),
        lambda document: document["arrays"].update(more=document["arrays"]["user_h"]),
        lambda document: document["retrieval"].update(backend="exact"),
    ],
)
def test_files_that_do_not_follow_from_the_rest(
    bundle: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(BundleInvalidError, match=r"manifest\.json"):
        load_bundle(resigned(bundle, change))


def test_a_manifest_without_end_is_not_read(bundle: Path) -> None:
    with (bundle / "manifest.json").open("r+b") as manifest:
        manifest.truncate(1 << 40)  # a hole: it takes no room
    with pytest.raises(BundleMissingError, match=r"manifest\.json: more than"):
        load_bundle(bundle)
