"""A command is measured as a whole and stage by stage."""

import sys
from pathlib import Path

import pytest

from bench.scale.commands import Cost, figures_of, run

_MEGABYTES = 60
_SCRIPT = f"""
import tempfile
from time import process_time
from rich.console import Console
from index_builder.progress import stage

print(tempfile.gettempdir())
with stage(Console(), "Filling memory"):
    kept = b"1" * {_MEGABYTES}_000_000
with stage(Console(), "Working with 2 things, 3.5 times"):
    while process_time() < 0.5:
        pass
print("✓ Recall is higher by 5 %")
"""


def test_a_command_is_measured_with_its_stages(tmp_path: Path) -> None:
    finished = run([sys.executable, "-c", _SCRIPT], tmp_path)
    names, costs = zip(*finished.stages, strict=True)
    assert names == ("Filling memory", "Working with 2 things, 3.5 times")
    assert finished.output.splitlines()[0] == str(tmp_path)
    assert finished.output.endswith("✓ Recall is higher by 5 %\n")
    assert costs[0].peak > _MEGABYTES
    whole = finished.cost
    assert whole.peak >= max(cost.peak for cost in costs)
    assert whole.anonymous > _MEGABYTES
    assert whole.processor_s >= 0.4
    assert whole.seconds >= sum(cost.seconds for cost in costs)


def test_a_command_that_fails_ends_the_bench_with_what_it_said(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="no such shop"):
        run([sys.executable, "-c", "raise ValueError('no such shop')"], tmp_path)


def test_costs_add_up_and_the_largest_peak_counts() -> None:
    both = Cost.of_all([Cost(10, 900, 500, 8), Cost(5, 1100, 400, 4)])
    assert both == Cost(15, 1100, 500, 12)
    seconds, memory = figures_of("both", both, (20, 1000), {"lines": 3})
    assert (seconds.value, seconds.verdict, seconds.under["processor"]) == (15, "met", "12.0 s")
    assert (memory.value, memory.verdict, memory.under["of no file"]) == (1100, "missed", "500 MB")
