"""`python -m bench --smoke`: every bench runs and gives its figures, whatever the times are."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHES = {
    "serving": {"/recommend beside /echo", "p99.9 at a constant rate", "a basket of 3 beside"},
    "stages": {"search, median", "whole request, p99"},
    "memory": {"a worker is ready after", "private memory of a worker", "a second worker adds"},
    "workers": {"two workers beside one, per second", "answers that the metrics"},
}


def bench(*flags: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "bench", *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize("name", BENCHES)
def test_it_gives_its_figures(name: str, ranked_bundle: Path, requests: Path, out: Path) -> None:
    where = ("--bundle", ranked_bundle, "--requests", requests, "--out", out)
    done = bench("--smoke", "--only", name, *where)
    assert done.returncode == 0, done.stderr
    written = json.loads((out / f"{name}.json").read_text())
    assert written["machine"]["cores"] >= 1
    figures: list[dict[str, Any]] = written["figures"]
    names = [figure["name"] for figure in figures]
    assert len(names) == len(set(names))
    assert all(any(each.startswith(start) for each in names) for start in BENCHES[name])
    none = [f["value"] for f in figures if "failures" in f["name"] or "account for" in f["name"]]
    assert none == [0] * len(none) != []
    assert "verdict" in done.stdout


def test_an_unknown_bench_is_named() -> None:
    done = bench("--only", "serving,everything")
    assert done.returncode == 2
    assert "everything" in done.stderr


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where figures go."""
    return tmp_path / "results"
