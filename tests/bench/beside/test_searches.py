"""Searches of other libraries, as far as they are installed."""

import sys

import numpy as np
import pytest

from bench.beside.searches import Effort, other_searches
from bench.search.searching import Numpy
from service.retrieval import share_found

MODULES = ("hnswlib", "usearch.index", "scann")
WHOLE = Effort(16, 100, searching=(400,), leaves=4, shares=(1.0,), reordered=(400,))


@pytest.mark.parametrize("module", MODULES)
def test_with_enough_effort_a_library_finds_what_numpy_finds(module: str) -> None:
    pytest.importorskip(module)
    rng = np.random.default_rng(1)
    rows = rng.normal(size=(400, 8)).astype(np.float32) + np.float32(0.3)
    queries = rng.normal(size=(20, 8)).astype(np.float32) * np.linspace(0.5, 2, 8, dtype="f4")
    expected_scores, expected = Numpy(rows).search(queries, 10)
    ((scores, items),) = [
        search.search(queries, 10)
        for family, _, search in other_searches(rows, WHOLE)
        if family.lower() == module.partition(".")[0]
    ]
    assert share_found(expected, items) > 0.95
    np.testing.assert_allclose(scores[:, 0], expected_scores[:, 0], rtol=1e-4)


def test_more_effort_of_a_graph_finds_more() -> None:
    pytest.importorskip("hnswlib")
    rng = np.random.default_rng(2)
    rows = rng.normal(size=(3000, 16)).astype(np.float32)
    queries = rng.normal(size=(40, 16)).astype(np.float32)
    exact = Numpy(rows).search(queries, 10)[1]
    effort = Effort(4, 20, searching=(10, 500), leaves=4, shares=(), reordered=(20,))
    little, much, *_ = (
        share_found(exact, search.search(queries, 10)[1])
        for _, _, search in other_searches(rows, effort)
    )
    assert little < much


def test_a_library_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for module in MODULES:
        monkeypatch.setitem(sys.modules, module, None)
    rows = np.ones((3, 2), np.float32)
    assert list(other_searches(rows, WHOLE)) == []
    told = capsys.readouterr().err
    assert all(f"left out {name}," in told for name in ("hnswlib", "usearch", "ScaNN"))
