"""A manifest without new fields keeps its bytes, and is read with care."""

import os
from pathlib import Path

import pytest

from service.bundle.manifest import IndexFacts, IndexPoint, Manifest


def manifest(frontier: tuple[IndexPoint, ...] = ()) -> Manifest:
    facts = IndexFacts(
        backend="faiss",
        parameters={"k_factor": 2},
        ann_recall_at_k=0.99,
        k=100,
        target=0.98,
        frontier=frontier,
    )
    return Manifest(
        as_of="2017-12-01T00:00:00",
        build={"nothing": None},
        serving={},
        arrays={},
        retrieval=facts,
        metrics={},
        files={},
    ).signed()


def test_without_a_frontier_nothing_is_written_of_it() -> None:
    before = manifest()
    assert b"frontier" not in before.encode()
    assert b"nothing" in before.encode()
    assert Manifest.decode(before.encode()) == before


def test_a_frontier_is_part_of_what_is_signed() -> None:
    point = IndexPoint(parameters={"k_factor": 2}, ann_recall_at_k=0.99, cost_bytes=7)
    chosen = manifest((point,))
    assert chosen.bundle_id != manifest().bundle_id
    assert Manifest.decode(chosen.encode()).retrieval.frontier == (point,)


def test_a_pipe_in_its_place_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(path := tmp_path / "manifest.json")
    with pytest.raises(OSError, match="not a regular file"):
        Manifest.read(path)
