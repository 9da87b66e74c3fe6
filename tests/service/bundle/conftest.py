"""A bundle to spoil, and manifests that fit what was spoiled."""

import hashlib
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from service.bundle.bundle import BundleContents, write_bundle

DATA = Path(__file__).parents[2] / "data"
tiny_contents: Callable[..., BundleContents] = runpy.run_path(str(DATA / "tiny_bundle.py"))[
    "tiny_contents"
]


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A tiny bundle to spoil for good."""
    return write_bundle(tmp_path, tiny_contents("faiss"))


def spelled(document: dict[str, Any]) -> bytes:
    return (json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False) + "\n").encode()


def resigned(bundle: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """Change the manifest and give it a valid id, as a builder with a bug would."""
    document = json.loads((bundle / "manifest.json").read_bytes())
    change(document)
    del document["bundle_id"]
    document["bundle_id"] = hashlib.sha256(spelled(document)).hexdigest()[:16]
    (bundle / "manifest.json").write_bytes(spelled(document))
    return bundle.rename(bundle.with_name(document["bundle_id"]))
