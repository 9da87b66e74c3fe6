"""The benches of retrieval run on a tiny shop and give their figures and pictures."""

from pathlib import Path

import pytest

from bench.search import growth, retrieval

BENCHES = {"retrieval": retrieval.run, "growth": growth.run}
PICTURES = {"retrieval": ["retrieval.svg"], "growth": ["anchors.svg", "growth.svg"]}
FIGURES = {
    "retrieval": {
        "lists beside NumPy's GEMM",
        "FAISS beside NumPy's GEMM",
        "FAISS ann_recall_at_100",
        "NMSLIB p99",
    },
    "growth": {"ann_recall_at_100 at 1,200 items", "index file at 600", "NMSLIB p50, 2 anchors"},
}


@pytest.mark.parametrize("bench", BENCHES)
def test_it_gives_its_figures(
    bench: str, ranked_bundle: Path, requests: Path, tmp_path: Path
) -> None:
    figures = BENCHES[bench](ranked_bundle, requests, tmp_path, smoke=True)
    names = [figure.name for figure in figures]
    assert len(names) == len(set(names))
    assert all(any(each.startswith(start) for each in names) for start in FIGURES[bench])
    assert sorted(path.name for path in tmp_path.iterdir()) == PICTURES[bench]
    assert all(0 <= figure.value <= 1 for figure in figures if "recall" in figure.name)
