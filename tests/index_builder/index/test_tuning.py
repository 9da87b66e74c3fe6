"""The index, and the recall it must show."""

from itertools import pairwise

import numpy as np
import pytest

from index_builder.config import Backend, IndexConfig
from index_builder.index.tuning import (
    IndexRecallError,
    build_index,
    check_index_config,
    cost_bytes,
    grid,
    tune_index,
)
from service.retrieval import RetrievalError, measure_ann_recall
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32

# Directions at random, and a popularity that outweighs them: what real rows look like.
RANDOM = np.random.default_rng(0)
ROWS = RANDOM.standard_normal((600, 17)).astype(np.float32)
QUERIES = RANDOM.standard_normal((30, 17)).astype(np.float32)

# 16 codes for a whole row each, and nothing beyond what is asked for rescored.
COARSE = {"dims_per_code": 17, "k_factor": 1}


def config(backend: str, target: float, parameters: dict[str, int] | None = None) -> IndexConfig:
    return IndexConfig(
        backend=Backend(backend),
        parameters=parameters or {},
        ann_recall_target=target,
        ann_recall_k=10,
    )


@pytest.mark.parametrize("backend", Backend)
def test_every_backend_reaches_its_target_by_default(backend: Backend) -> None:
    retrieval, recall, _ = tune_index(ROWS, QUERIES, config(backend, 0.95))
    assert retrieval.name == backend
    assert 0.95 <= recall <= 1
    assert recall == measure_ann_recall(retrieval, Exact(ROWS), QUERIES, 10)


def test_an_exact_index_reaches_any_target() -> None:
    _, recall, _ = build_index(ROWS, QUERIES, config("exact", 1.0))
    assert recall == 1


def test_an_index_below_its_target_is_refused_with_figure_and_remedy() -> None:
    _, recall, _ = build_index(ROWS, QUERIES, config("faiss", 0, COARSE))
    with pytest.raises(IndexRecallError) as error:
        build_index(ROWS, QUERIES, config("faiss", 0.95, COARSE))
    message = str(error.value)
    for part in ("faiss", "ann_recall_at_10", "0.95", f"{recall:.4f}", "'k_factor': 1"):
        assert part in message
    for remedy in ("--index-parameter", "--backend exact"):
        assert remedy in message


def test_recall_exactly_at_the_target_is_enough() -> None:
    _, recall, _ = build_index(ROWS, QUERIES, config("faiss", 0, COARSE))
    assert 0 < recall < 1
    build_index(ROWS, QUERIES, config("faiss", recall, COARSE))


@pytest.mark.parametrize("n_items", [1, 2, 15, 16, 17, 33])
@pytest.mark.parametrize("backend", Backend)
def test_catalogues_of_any_size(backend: Backend, n_items: int) -> None:
    rows: Float32 = ROWS[:n_items]
    _, recall, _ = tune_index(rows, QUERIES, config(backend, 0.95))
    assert recall >= 0.95


@pytest.mark.parametrize("backend", Backend)
def test_parameters_are_checked_before_there_are_vectors(backend: Backend) -> None:
    check_index_config(IndexConfig(backend=backend))
    with pytest.raises(RetrievalError, match="parameter 'knobs'"):
        check_index_config(IndexConfig(backend=backend, parameters={"knobs": 11}))


def test_the_cheapest_that_reaches_the_target_is_chosen() -> None:
    everything = tune_index(ROWS, QUERIES, config("faiss", 0))
    frontier = everything.frontier
    assert everything.retrieval.parameters == frontier[0].parameters
    for worse, better in pairwise(frontier):
        assert worse.cost_bytes < better.cost_bytes
        assert worse.ann_recall_at_k < better.ann_recall_at_k
    for point in frontier:
        chosen = tune_index(ROWS, QUERIES, config("faiss", point.ann_recall_at_k))
        assert chosen.retrieval.parameters == point.parameters
        assert chosen.frontier == frontier


def test_the_worse_half_of_the_queries_decides() -> None:
    """Of equal rows, those found are as good as any, but not the first: a hopeless query."""
    queries = np.concatenate([QUERIES, np.zeros_like(QUERIES)])
    mixed = tune_index(ROWS, queries, config("faiss", 0))
    for built in (mixed, tune_index(ROWS, queries[::-1], config("faiss", 0))):
        recall = measure_ann_recall(built.retrieval, Exact(ROWS), queries[30:], 10)
        assert built.frontier[0].ann_recall_at_k == recall < built.ann_recall_at_k


def test_given_parameters_are_not_tuned() -> None:
    built = tune_index(ROWS, QUERIES, config("faiss", 0, COARSE))
    assert built.retrieval.parameters.items() >= COARSE.items()
    assert built.frontier == ()


def test_a_target_out_of_reach_is_refused_with_what_was_tried() -> None:
    random = np.random.default_rng(1)
    rows = random.standard_normal((4000, 40)).astype(np.float32)
    queries = random.standard_normal((20, 40)).astype(np.float32)
    rows[:, 0] *= 1000  # nearly all of the variance is where
    queries[:, 0] = 0  # no query uses it
    unreachable = IndexConfig(ann_recall_target=1.0, ann_recall_k=10)
    frontier = tune_index(rows, queries, unreachable.model_copy(update={"ann_recall_target": 0}))
    with pytest.raises(IndexRecallError) as error:
        tune_index(rows, queries, unreachable)
    for point in frontier.frontier:
        assert f"{point.ann_recall_at_k:.4f} with {point.parameters}" in str(error.value)


def test_large_catalogues_are_offered_lists_that_grow_with_the_root_of_their_size() -> None:
    for n_items, lists in ((20_000, 0), (50_000, 512), (90_000, 512), (1_000_000, 2048)):
        assert {made["lists"] for made, _ in grid(n_items)} == {lists}
        for _, searches in grid(n_items):
            probes = {searched["probes"] for searched in searches}
            assert min(probes) >= 1
            assert max(probes) == max(1, lists)  # so that any target can be reached


def test_the_cost_counts_codes_scanned_and_rows_rescored() -> None:
    rows = np.zeros((1000, 8), np.float32)  # 32 bytes each
    flat = {"lists": 0, "probes": 1, "k_factor": 2}
    assert cost_bytes(rows, flat, 4000, 10) == 4000 + 6 * 20 * 32
    assert cost_bytes(rows, flat, 4000, 900) == 4000 + 6 * 1000 * 32
    half = {"lists": 10, "probes": 5, "k_factor": 2}
    assert cost_bytes(rows, half, 4000, 10) == 2000 + 5 * 8192 + 6 * 20 * 32
