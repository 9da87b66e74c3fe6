"""Bundles that become current one after another, as a shop builds them day by day."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from service.bundle.bundle import write_bundle
from service.bundle.publishing import point_current_at
from tests.data.tiny_bundle import tiny_contents


def publish(out: Path, day: int, **changes: Any) -> str:
    """Make another bundle current, and return its id; that of a day is always the same."""
    return write_bundle(out, tiny_contents(build={"day": day}, **changes)).name


def publish_foreign(out: Path) -> str:
    """Make a bundle of another shop current: it is whole, and recommends quite other items."""
    catalogue = tiny_contents().catalogue
    ids = [f"foreign-{i}" for i in range(len(catalogue))]
    return publish(out, 9, catalogue=replace(catalogue, item_ids=ids))


def publish_damaged(out: Path) -> str:
    """Make a bundle current that has lost a byte."""
    name = publish(out / "damaged", 8)
    vectors = out / "damaged" / name / "item_vectors.npy"
    vectors.write_bytes(vectors.read_bytes()[:-1])
    vectors.parent.rename(out / name)
    point_current_at(out, out / name)
    return name
