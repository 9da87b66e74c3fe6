"""Calls that do not look at the types of their arguments get those that are declared."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import pytest

from service.support.arrays.array_types import Float32, Int32
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout
from tests.data.checked_calls import checked

ROOT = Path(__file__).parents[4]
REQUESTS = (
    "recommending/test_recommender_ranked.py",
    "recommending/test_recommender_rules.py",
    "recommending/ranking/test_feature_table.py",
    "bundle/test_ids.py",
)


def test_all_callers_give_what_is_declared() -> None:
    sources = [path.read_text("utf-8") for path in (ROOT / "service").rglob("*.py")]
    loops = {loop for text in sources for loop in re.findall(r"= unchecked\((\w+)\)", text)}
    files = [ROOT / "tests" / "service" / name for name in REQUESTS]
    plugins = ["-p", "tests.data.checked_calls", "-p", "no:cacheprovider", "-n0"]
    command = [sys.executable, "-m", "pytest", "-q", *plugins, *map(str, files)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    (named,) = re.findall("^checked: (.*)$", done.stdout, re.MULTILINE)
    assert loops
    assert {*named.split()} == loops


class Shelf(NamedTuple):
    """What is read, and what is written."""

    prices: Float32
    visits: Annotated[Int32, Layout(written=True)]


@compiled()
def enter(shelf: Shelf, factor: float) -> float:
    """Count a visit, and return the first price times a factor."""
    shelf.visits[0] += 1
    return float(shelf.prices[0] * factor)


PRICES, VISITS = np.ones(4, np.float32), np.zeros(2, np.int32)


@pytest.mark.parametrize("prices", [PRICES, read_only(PRICES)])
def test_what_is_declared_passes_writable_or_not(prices: Float32) -> None:
    assert checked(enter)(Shelf(prices, VISITS), 3) == 3


@pytest.mark.parametrize(
    "given",
    [
        (Shelf(PRICES[::2], VISITS), 1.0),
        (Shelf(PRICES, read_only(VISITS)), 1.0),
        ((PRICES.view(np.int32), VISITS), 1.0),
        ((PRICES.reshape(2, 2), VISITS), 1.0),
        ((PRICES, VISITS, VISITS), 1.0),
        (PRICES, 1.0),
        (Shelf(PRICES, VISITS), PRICES),
    ],
)
def test_anything_else_is_refused(given: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError, match="enter, argument"):
        checked(enter)(*given)
