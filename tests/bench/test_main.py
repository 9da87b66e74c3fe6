"""`python -m bench --smoke`: every bench runs and gives its figures, whatever the times are."""

import json
import subprocess
import sys
from math import log
from pathlib import Path
from typing import Any

import pytest

BENCHES = {
    "serving": {
        "/recommend beside /echo",
        "p99.9 at a constant rate",
        "p99 at 0.05 of the throughput",
        "p99 during swaps",
        "a basket of 3 beside",
    },
    "stages": {
        "search, median",
        "whole request, p99",
        "the app around the recommender",
        "from wire to app",
    },
    "memory": {"a worker is ready after", "private memory of a worker", "one more worker adds"},
    "workers": {"two workers beside one, per second", "answers that the metrics"},
}


def bench(*flags: object) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    command = [sys.executable, "-m", "bench", *map(str, flags)]
    return subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)


def smoke(name: str, out: Path, *flags: object) -> list[dict[str, Any]]:
    """Run one bench as briefly as it can; returns its figures."""
    done = bench("--smoke", "--only", name, *flags)
    assert done.returncode == 0, done.stderr
    assert "verdict" in done.stdout
    written = json.loads((out / f"{name}.json").read_text())
    assert written["machine"]["cores"] >= 1
    figures: list[dict[str, Any]] = written["figures"]
    return figures


@pytest.mark.parametrize("name", BENCHES)
def test_it_gives_its_figures(name: str, ranked_bundle: Path, requests: Path, out: Path) -> None:
    where = ("--bundle", ranked_bundle, "--requests", requests, "--out", out)
    figures = smoke(name, out, *where)
    names = [figure["name"] for figure in figures]
    assert len(names) == len(set(names))
    assert all(any(each.startswith(start) for each in names) for start in BENCHES[name])
    none = [f["value"] for f in figures if "failures" in f["name"] or "account for" in f["name"]]
    assert none == [0] * len(none) != []


def test_the_builder_is_measured_stage_by_stage(out: Path) -> None:
    figures = smoke("builder", out, "--out", out)
    (whole,) = [each for each in figures if each["name"].startswith("whole build, growth by 2")]
    sizes = [each["under"]["transactions"] for each in figures if "peak memory" in each["name"]]
    assert sizes[1] == 2 * sizes[0]
    assert whole["at_most"] == round(2 * log(sizes[1]) / log(sizes[0]) * 1.25, 2)
    assert "<svg" in (out / "builder.svg").read_text()


def test_an_unknown_bench_is_named() -> None:
    done = bench("--only", "serving,everything")
    assert done.returncode == 2
    assert "everything" in done.stderr


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """Where figures go."""
    return tmp_path / "results"
