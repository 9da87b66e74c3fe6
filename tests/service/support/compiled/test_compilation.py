"""Loops of declared types: what they take, and that they are compiled before they are called."""

import subprocess
import sys
from pathlib import Path
from typing import Annotated, NamedTuple, cast

import numba
import numpy as np
import pytest

from service.support.arrays.array_types import Float32, Int32, Records
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled, unchecked
from service.support.compiled.layout import Layout

POINT = np.dtype([("x", np.float32), ("visits", np.int32)])


@compiled()
def visit(
    table: Annotated[Float32, Layout(axes=2)],
    row: int,
    points: Annotated[Records, Layout(written=True, dtype=POINT)],
    pair: tuple[Int32, Int32],
) -> float:
    """Count a visit of each point, and return the sum of a row and of what else there is."""
    total = np.float32(0)
    for column in range(table.shape[1]):
        total += table[row, column]
    for place in range(len(points)):
        points[place]["visits"] += 1
        total += points[place]["x"]
    return float(total) + len(pair[0]) + len(pair[1])


def test_arguments_may_be_writable_or_not() -> None:
    table, points = np.ones((2, 3), np.float32), np.zeros(2, POINT)
    pair = np.zeros(1, np.int32), np.zeros(2, np.int32)
    assert visit(table, 1, points, pair) == 6
    assert visit(read_only(table), 0, points, (read_only(pair[0]), pair[1])) == 6
    assert points["visits"].tolist() == [2, 2]


class Shelf(NamedTuple):
    """Arrays and numbers that belong together, and another such tuple."""

    prices: Float32
    visits: Annotated[Int32, Layout(written=True)]
    floor: int


class Size(NamedTuple):
    """Fields of one type."""

    width: int
    depth: int


class Shop(NamedTuple):
    """A shelf, the shop's size, and a table of one row for each visitor."""

    shelf: Shelf
    size: Size
    table: Annotated[Float32, Layout(axes=2)]


@compiled()
def enter(shop: Shop, factor: float) -> float:
    """Count a visit, and return what is on the shelf, times a factor."""
    shop.shelf.visits[0] += 1
    columns = shop.table.shape[1] + shop.size.depth
    return float(factor * shop.shelf.prices.sum() + shop.shelf.floor + columns)


def test_named_tuples_are_declared_by_their_fields() -> None:
    visits = np.zeros(1, np.int32)
    prices, table = read_only(np.ones(3, np.float32)), read_only(np.ones((2, 5), np.float32))
    assert enter(Shop(Shelf(prices, visits, 7), Size(1, 4), table), 2) == 6 + 7 + 5 + 4
    assert visits.tolist() == [1]
    with pytest.raises(TypeError, match="No matching definition"):
        enter(Shop(Shelf(np.ones(3, np.float32), visits, 7), Size(1, 4), table), 2)


def test_arguments_of_other_types_are_refused_and_not_compiled_for() -> None:
    points, pair = np.zeros(2, POINT), (np.zeros(1, np.int32),) * 2
    with pytest.raises(TypeError, match="No matching definition"):
        visit(np.ones((2, 3), np.float64), 1, points, pair)
    with pytest.raises(TypeError, match="No matching definition"):
        visit(np.ones((2, 3), np.float32), 1, read_only(points), pair)


def test_a_function_that_writes_where_it_may_not_is_refused_at_once() -> None:
    def write(numbers: Int32) -> None:
        numbers[0] = 1

    with pytest.raises(numba.TypingError):
        compiled()(write)


def test_everything_that_is_compiled_is_imported_before_the_first_request() -> None:
    root = Path(__file__).parents[4]
    modules = {
        ".".join(path.relative_to(root).with_suffix("").parts)
        for path in (root / "service").rglob("*.py")
        if "\n@compiled(" in path.read_text()
    }
    code = "import service.app, sys; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert modules
    assert modules <= set(loaded.stdout.split())


def test_unchecked_calls_take_what_is_declared_writable_or_not() -> None:
    direct = unchecked(enter)
    table, visits = np.ones((2, 5), np.float32), np.zeros(1, np.int32)
    for prices in (np.ones(3, np.float32), read_only(np.ones(3, np.float32))):
        assert direct(Shop(Shelf(prices, visits, 7), Size(1, 4), table), 2) == 6 + 7 + 5 + 4
    assert visits.tolist() == [2]


def test_unchecked_calls_refuse_elements_of_another_size() -> None:
    direct, doubles = unchecked(enter), cast(Float32, np.ones(3, np.float64))
    shelf, table = Shelf(doubles, np.zeros(1, np.int32), 7), np.ones((2, 5), np.float32)
    with pytest.raises(TypeError, match="unbox"):
        direct(Shop(shelf, Size(1, 4), table), 2)
