"""The index, and the recall it must show."""

import numpy as np
import numpy.typing as npt
import pytest

from index_builder.config import Backend, IndexConfig
from index_builder.index import IndexRecallError, build_index, check_index_config
from service.retrieval import RetrievalError, measure_ann_recall
from service.retrieval.exact import Exact

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
    retrieval, recall = build_index(ROWS, QUERIES, config(backend, 0.95))
    assert retrieval.name == backend
    assert 0.95 <= recall <= 1
    assert recall == measure_ann_recall(retrieval, Exact(ROWS), QUERIES, 10)


def test_what_finds_everything_reaches_any_target() -> None:
    _, recall = build_index(ROWS, QUERIES, config("exact", 1.0))
    assert recall == 1


def test_what_finds_too_little_is_refused_with_the_figure_and_the_remedy() -> None:
    _, recall = build_index(ROWS, QUERIES, config("faiss", 0, COARSE))
    with pytest.raises(IndexRecallError) as error:
        build_index(ROWS, QUERIES, config("faiss", 0.95, COARSE))
    message = str(error.value)
    for part in ("faiss", "ann_recall_at_10", "0.95", f"{recall:.4f}", "'k_factor': 1"):
        assert part in message
    for remedy in ("--index-parameter", "--backend exact"):
        assert remedy in message


def test_recall_exactly_at_the_target_is_enough() -> None:
    _, recall = build_index(ROWS, QUERIES, config("faiss", 0, COARSE))
    assert 0 < recall < 1
    build_index(ROWS, QUERIES, config("faiss", recall, COARSE))


@pytest.mark.parametrize("n_items", [1, 2, 15, 16, 17, 33])
@pytest.mark.parametrize("backend", Backend)
def test_catalogues_of_any_size(backend: Backend, n_items: int) -> None:
    rows: npt.NDArray[np.float32] = ROWS[:n_items]
    _, recall = build_index(rows, QUERIES, config(backend, 0.95))
    assert recall >= 0.95


@pytest.mark.parametrize("backend", Backend)
def test_parameters_are_checked_before_there_are_vectors(backend: Backend) -> None:
    check_index_config(IndexConfig(backend=backend))
    with pytest.raises(RetrievalError, match="parameter 'knobs'"):
        check_index_config(IndexConfig(backend=backend, parameters={"knobs": 11}))
