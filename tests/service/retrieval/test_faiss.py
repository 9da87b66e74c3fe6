"""Effects of the parameters of FAISS."""

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.retrieval import RetrievalError, measure_ann_recall
from service.retrieval.exact import Exact
from service.retrieval.faiss import Faiss

RANDOM = np.random.default_rng(0)
ROWS = RANDOM.standard_normal((900, 12)).astype(np.float32)
QUERIES = RANDOM.standard_normal((9, 12)).astype(np.float32)

PARAMETERS = st.fixed_dictionaries(
    {
        "variance_percent": st.integers(1, 100),
        "dims_per_code": st.integers(1, 15),
        "lists": st.integers(0, 20),
        "probes": st.integers(1, 30),
        "k_factor": st.integers(1, 9),
    }
)


@settings(max_examples=25, deadline=None)
@given(parameters=PARAMETERS, k=st.integers(1, 200))
def test_whatever_the_parameters_scores_are_exact_and_a_batch_is_its_queries_one_by_one(
    parameters: dict[str, int], k: int
) -> None:
    index = Faiss.build(ROWS, parameters)
    scores, items = index.search(QUERIES, k)
    every, order = Exact(ROWS).search(QUERIES, len(ROWS))
    for line in range(len(QUERIES)):
        found = items[line][items[line] >= 0]
        assert len(set(found.tolist())) == len(found)
        # Of the exact ranking, some are left out; no score and no order differs.
        kept = np.isin(order[line], found)
        np.testing.assert_array_equal(found, order[line][kept])
        np.testing.assert_array_equal(scores[line][: len(found)], every[line][kept])
        assert np.isneginf(scores[line][len(found) :]).all()
        alone = index.search(QUERIES[line : line + 1], k)
        np.testing.assert_array_equal(alone[0][0], scores[line])
        np.testing.assert_array_equal(alone[1][0], items[line])


def test_more_lists_probed_find_more_and_all_of_them_what_there_is() -> None:
    made = {"variance_percent": 100, "lists": 16, "k_factor": 40}
    recalls = [
        measure_ann_recall(Faiss.build(ROWS, made | {"probes": n}), Exact(ROWS), QUERIES, 10)
        for n in (1, 4, 16)
    ]
    assert recalls[0] < recalls[1] < recalls[2] == 1


def test_lists_are_loaded_as_they_were_saved(tmp_path: Path) -> None:
    parameters = {"lists": 8, "probes": 3, "k_factor": 2}
    saved = Faiss.build(ROWS, parameters)
    saved.save(tmp_path)
    loaded = Faiss.load(tmp_path, ROWS, saved.parameters)
    for a, b in zip(saved.search(QUERIES, 50), loaded.search(QUERIES, 50), strict=True):
        np.testing.assert_array_equal(a, b)
    wider = Faiss.load(tmp_path, ROWS, saved.parameters | {"probes": 8})
    exact = Exact(ROWS)
    assert measure_ann_recall(wider, exact, QUERIES) > measure_ann_recall(loaded, exact, QUERIES)


def test_more_lists_than_rows_are_refused() -> None:
    with pytest.raises(RetrievalError, match="lists: expected 5 at most, found 6"):
        Faiss.build(ROWS[:5], {"lists": 6})


def test_axes_that_hold_nothing_cost_nothing(tmp_path: Path) -> None:
    """Rows in 12 dimensions that lie in two: they are coded in two."""
    flat = np.zeros((900, 12), np.float32)
    flat[:, [3, 7]] = ROWS[:, :2]
    sizes = []
    for name, rows in (("flat", flat), ("full", ROWS)):
        (directory := tmp_path / name).mkdir()
        index = Faiss.build(rows, {"variance_percent": 99})
        index.save(directory)
        sizes.append((directory / "index.faiss").stat().st_size)
        assert measure_ann_recall(index, Exact(rows), QUERIES, 20) > 0.95
    assert sizes[0] < sizes[1] / 3


@pytest.mark.parametrize("dims_per_code", [1, 2, 5])
def test_an_index_from_before_there_was_a_rotation_is_read(
    tmp_path: Path, dims_per_code: int
) -> None:
    """Codes of the rows as they are, widened with zeros to a whole number of pieces."""
    pieces = -(-12 // dims_per_code)
    widened = np.zeros((900, pieces * dims_per_code), np.float32)
    widened[:, :12] = ROWS
    index = faiss.IndexPQFastScan(widened.shape[1], pieces, 4, faiss.METRIC_INNER_PRODUCT)
    index.train(widened)
    index.add(widened)
    faiss.write_index(index, str(tmp_path / "index.faiss"))
    then = {"dims_per_code": dims_per_code, "k_factor": 40}
    loaded = Faiss.load(tmp_path, ROWS, then)
    assert loaded.parameters.items() >= then.items()
    assert measure_ann_recall(loaded, Exact(ROWS), QUERIES, 10) == 1
    loaded.save(tmp_path)
    again = Faiss.load(tmp_path, ROWS, loaded.parameters)
    np.testing.assert_array_equal(again.search(QUERIES, 10)[1], loaded.search(QUERIES, 10)[1])


def test_members_of_a_tight_list_are_told_apart() -> None:
    """Eight groups, ten times as far from each other as their members are."""
    groups = 10 * np.random.default_rng(1).standard_normal((8, 12)).astype(np.float32)
    rows = np.repeat(groups, 100, axis=0) + ROWS[:800]
    parameters = {"variance_percent": 100, "lists": 16, "probes": 4, "k_factor": 2}
    index = Faiss.build(rows, parameters)
    assert measure_ann_recall(index, Exact(rows), QUERIES, 10) > 0.9
    without = parameters | {"lists": 0}
    assert measure_ann_recall(Faiss.build(rows, without), Exact(rows), QUERIES, 10) < 0.7


def test_lists_from_before_codes_were_of_differences_are_read(tmp_path: Path) -> None:
    centres = faiss.IndexFlatIP(12)
    index = faiss.IndexIVFPQFastScan(centres, 12, 8, 12, 4, faiss.METRIC_INNER_PRODUCT)
    index.by_residual = False
    index.train(ROWS)
    index.add(ROWS)
    faiss.write_index(index, str(tmp_path / "index.faiss"))
    parameters = {"dims_per_code": 1, "lists": 8, "probes": 8, "k_factor": 40}
    loaded = Faiss.load(tmp_path, ROWS, parameters)
    assert measure_ann_recall(loaded, Exact(ROWS), QUERIES, 10) == 1
