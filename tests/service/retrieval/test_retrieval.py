"""Properties of every backend."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from service.retrieval import Retrieval, RetrievalError, backend, measure_ann_recall
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32

WIDTH = 5
FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


@pytest.fixture(scope="module", params=["exact", "faiss", "nmslib"])
def kind(request: pytest.FixtureRequest) -> type[Retrieval]:
    return backend(request.param)


@pytest.fixture(scope="module", params=["faiss", "nmslib"])
def approximate(request: pytest.FixtureRequest) -> type[Retrieval]:
    return backend(request.param)


def vectors(n: st.SearchStrategy[int]) -> st.SearchStrategy[Float32]:
    """Whole numbers, so that every product is exact and ties are common."""
    shape = st.tuples(n, st.just(WIDTH))
    return hnp.arrays(np.float32, shape, elements=st.integers(-3, 3), fill=st.nothing())


def ranked(rows: Float32, query: Float32) -> list[tuple[float, int]]:
    """The exact answer, computed in the plainest way."""
    scores = [sum(float(a) * float(b) for a, b in zip(row, query, strict=True)) for row in rows]
    return sorted(zip(scores, range(len(rows)), strict=True), key=lambda pair: (-pair[0], pair[1]))


@settings(max_examples=60, deadline=None)
@given(rows=vectors(st.integers(1, 40)), queries=vectors(st.integers(0, 4)), k=st.integers(1, 50))
def test_exact_search_is_right(rows: Float32, queries: Float32, k: int) -> None:
    scores, items = Exact(rows).search(queries, k)
    for line, query in enumerate(queries):
        wanted = ranked(rows, query)[:k]
        missing = k - len(wanted)
        assert scores[line].tolist() == [score for score, _ in wanted] + [-np.inf] * missing
        assert items[line].tolist() == [item for _, item in wanted] + [-1] * missing


@given(hnp.arrays(np.float32, st.integers(1, 40), elements=FLOATS))
def test_any_scores_are_ranked_right(scores: Float32) -> None:
    """One dimension and the query 1: each row is its own score, negative, tiny, -0 or tied."""
    found, items = Exact(scores[:, np.newaxis]).search(np.ones((1, 1), np.float32), len(scores))
    wanted = np.lexsort((np.arange(len(scores)), -scores))
    assert items[0].tolist() == wanted.tolist()
    assert found[0].tolist() == scores[wanted].tolist()


@settings(max_examples=40, deadline=None)
@given(rows=vectors(st.integers(1, 40)), queries=vectors(st.integers(0, 4)), k=st.integers(1, 50))
def test_what_is_found_is_found_right(
    kind: type[Retrieval], rows: Float32, queries: Float32, k: int
) -> None:
    retrieval = kind.build(rows, {})
    scores, items = retrieval.search(queries, k)
    assert scores.shape == items.shape == (len(queries), k)
    assert (scores.dtype.name, items.dtype.name) == ("float32", "int32")
    for line, query in enumerate(queries):
        found = items[line][items[line] >= 0].tolist()
        assert len(set(found)) == len(found) <= min(k, len(rows))
        assert [(scores[line][at], item) for at, item in enumerate(found)] == [
            pair for pair in ranked(rows, query) if pair[1] in found
        ]
        assert (items[line][len(found) :] == -1).all()
        assert np.isneginf(scores[line][len(found) :]).all()
        for one, many in zip(
            retrieval.search(query[np.newaxis], k), (scores[line], items[line]), strict=True
        ):
            np.testing.assert_array_equal(one[0], many)


def skewed(n: int, width: int = 17, seed: int = 3) -> Float32:
    """Rows in clusters, some much longer than others: where naive graphs over raw rows fail."""
    random = np.random.default_rng(seed)
    centre = random.standard_normal((20, width))[random.integers(20, size=n)]
    length = random.lognormal(0, 0.7, (n, 1))
    rows = length * (centre + 0.5 * random.standard_normal((n, width)))
    return np.asarray(rows, np.float32)


def test_the_recall_target_is_reached_on_skewed_lengths(approximate: type[Retrieval]) -> None:
    rows, queries = skewed(5000), skewed(60, seed=4)
    retrieval = approximate.build(rows, {})
    assert measure_ann_recall(retrieval, Exact(rows), queries, k=100) >= 0.95


def test_scores_do_not_depend_on_the_backend_or_the_batch(approximate: type[Retrieval]) -> None:
    rows, queries = skewed(2000), skewed(7, seed=4)
    exact_scores, exact_items = Exact(rows).search(queries, 50)
    scores, items = approximate.build(rows, {}).search(queries, 50)
    for line in range(len(queries)):
        common, left, right = np.intersect1d(
            exact_items[line], items[line], assume_unique=True, return_indices=True
        )
        assert len(common) > 25
        np.testing.assert_array_equal(exact_scores[line][left], scores[line][right])
        alone, _ = Exact(rows).search(queries[line : line + 1], 50)
        np.testing.assert_array_equal(alone[0], exact_scores[line])


def test_a_large_catalogue_is_searched_block_by_block(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, queries = skewed(1000), skewed(7, seed=4)
    whole = Exact(rows).search(queries, 30)
    monkeypatch.setattr("service.retrieval.exact._BLOCK", 7 * 90)
    for blocks, once in zip(Exact(rows).search(queries, 30), whole, strict=True):
        np.testing.assert_array_equal(blocks, once)


@pytest.mark.parametrize("n", [1, 2, 15, 600, 2000])
def test_a_loaded_index_answers_like_the_saved_one(
    kind: type[Retrieval], tmp_path: Path, n: int
) -> None:
    rows, queries = skewed(n), skewed(5, seed=4)
    saved = kind.build(rows, {})
    saved.save(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == set(kind.files)
    loaded = kind.load(tmp_path, rows, saved.parameters)
    assert loaded.parameters == saved.parameters
    for a, b in zip(saved.search(queries, 40), loaded.search(queries, 40), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_loaded_index_can_be_saved_again(kind: type[Retrieval], tmp_path: Path) -> None:
    rows, queries = skewed(600), skewed(5, seed=4)
    (first := tmp_path / "first").mkdir()
    (second := tmp_path / "second").mkdir()
    saved = kind.build(rows, {})
    saved.save(first)
    kind.load(first, rows, saved.parameters).save(second)
    for name in kind.files:
        assert (second / name).read_bytes() == (first / name).read_bytes()
    loaded = kind.load(second, rows, saved.parameters)
    for a, b in zip(saved.search(queries, 40), loaded.search(queries, 40), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_search_can_be_repeated(kind: type[Retrieval]) -> None:
    retrieval, queries = kind.build(skewed(2000), {}), skewed(5, seed=4)
    for a, b in zip(retrieval.search(queries, 40), retrieval.search(queries, 40), strict=True):
        np.testing.assert_array_equal(a, b)


def test_equal_rows_make_an_equal_faiss_index(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        backend("faiss").build(skewed(2000), {}).save(tmp_path / name)
    assert len({(tmp_path / name / "index.faiss").read_bytes() for name in ("a", "b")}) == 1


def test_rows_and_queries_may_be_read_only_and_of_any_layout(kind: type[Retrieval]) -> None:
    rows, queries = skewed(200), skewed(5, seed=4)
    retrieval = kind.build(rows, {})
    wanted = retrieval.search(queries, 10)
    frozen = np.asfortranarray(queries)
    frozen.setflags(write=False)
    rows.setflags(write=False)
    for a, b in zip(retrieval.search(frozen, 10), wanted, strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize(
    ("queries", "k", "message"),
    [
        (np.zeros((2, 16), np.float32), 5, r"shape \(n, 17\), found \(2, 16\)"),
        (np.zeros((2, 18), np.float32), 5, r"shape \(n, 17\), found \(2, 18\)"),
        (np.zeros(17, np.float32), 5, r"shape \(n, 17\), found \(17,\)"),
        (np.full((2, 17), np.nan, np.float32), 5, "found NaN"),
        (np.full((2, 17), -np.inf, np.float32), 5, "found NaN or infinity"),
        (np.zeros((2, 17), np.float32), 0, "k: expected 1 or more, found 0"),
    ],
)
def test_a_wrong_query_is_refused(
    kind: type[Retrieval], queries: Float32, k: int, message: str
) -> None:
    retrieval = kind.build(skewed(50), {})
    with pytest.raises(RetrievalError, match=message):
        retrieval.search(queries, k)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((0, 17), np.float32), r"\(0, 17\)"),
        (np.zeros(17, np.float32), r"\(17,\)"),
        (np.full((9, 17), np.nan, np.float32), "NaN"),
    ],
)
def test_wrong_rows_are_refused(kind: type[Retrieval], rows: Float32, message: str) -> None:
    with pytest.raises(RetrievalError, match=message):
        kind.build(rows, {})


@pytest.mark.parametrize("parameters", [{"pace": 3}, {"k_factor": 0}, {"m": 1}, {"m": 16.5}])
def test_wrong_parameters_are_refused(kind: type[Retrieval], parameters: dict[str, Any]) -> None:
    with pytest.raises(RetrievalError, match=f"parameter '{next(iter(parameters))}'"):
        kind.build(skewed(50), parameters)


@pytest.mark.parametrize("others", [49, 51])
def test_an_index_of_other_rows_is_refused(tmp_path: Path, others: int) -> None:
    backend("faiss").build(skewed(50), {}).save(tmp_path)
    with pytest.raises(RetrievalError, match=r"index\.faiss"):
        backend("faiss").load(tmp_path, skewed(others), {})


def test_an_index_that_names_rows_there_are_not_is_refused(tmp_path: Path) -> None:
    backend("nmslib").build(skewed(50), {}).save(tmp_path)
    retrieval = backend("nmslib").load(tmp_path, skewed(9), {})
    with pytest.raises(RetrievalError, match="rows below 9"):
        retrieval.search(skewed(5), 9)


def test_an_unknown_backend_is_refused() -> None:
    with pytest.raises(RetrievalError, match="found 'annoy'"):
        backend("annoy")


def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "nmslib", None)
    with pytest.raises(RetrievalError, match=r"pip install 'rtt2vec\[nmslib\]'"):
        backend("nmslib").build(skewed(9), {})


def test_recall_counts_what_was_found_of_what_there_is() -> None:
    rows = np.eye(4, dtype=np.float32)
    queries = np.array([[4, 3, 2, 1], [1, 2, 3, 4]], np.float32)
    turned = Exact(rows[[3, 2, 1, 0]])
    assert measure_ann_recall(Exact(rows), Exact(rows), queries, k=2) == 1.0
    assert measure_ann_recall(turned, Exact(rows), queries, k=2) == 0.0
    assert measure_ann_recall(turned, Exact(rows), queries, k=3) == pytest.approx(2 / 3)
    assert measure_ann_recall(turned, Exact(rows), queries, k=9) == 1.0


SEARCH = """
import os, sys
import numpy as np
from service.retrieval import backend
rows = np.random.default_rng(0).standard_normal((3000, 9)).astype(np.float32)
retrieval = backend(sys.argv[1]).build(rows, {})
before = len(os.listdir("/proc/self/task"))
retrieval.search(rows[:50], 100)
print("threads", len(os.listdir("/proc/self/task")) - before)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="counts threads as Linux does")
def test_a_search_starts_no_thread_and_prints_nothing(kind: type[Retrieval]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SEARCH, kind.name],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert (done.stdout, done.stderr) == ("threads 0\n", "")
