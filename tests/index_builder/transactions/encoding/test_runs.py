"""Runs: pairs in order, whatever batches they come in."""

from pathlib import Path

import numpy as np
import pytest

from index_builder.transactions.encoding import runs


@pytest.mark.parametrize("run", [1, 7, 1000])
def test_pairs_come_back_sorted_and_once(
    run: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(runs, "_RUN", run)
    random = np.random.default_rng(3)
    place, code = random.integers(0, 20, 300), random.integers(0, 2**31, 300).astype(np.int32) % 9
    batches = list(zip(np.split(place, 6), np.split(code, 6), strict=True))
    found = list(runs.sorted_runs(batches, tmp_path, 20, 300))
    pairs = [pair for each in found for pair in zip(*(a.tolist() for a in each), strict=True)]
    assert pairs == sorted(set(zip(place.tolist(), code.tolist(), strict=True)))
    places = [set(each[0].tolist()) for each in found]
    assert sum(map(len, places)) == len(set().union(*places))  # no place is split
    assert not list(tmp_path.iterdir())
