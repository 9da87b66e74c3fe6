"""The compiled loop and the table of names: every feature has one formula, found by its name."""

import inspect
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import pytest

from service.recommending.ranking.feature_matrix import fill
from service.recommending.ranking.features import FEATURES, POSITIONS
from service.recommending.ranking.item_facts import FACTS
from service.recommending.ranking.known import NOTHING_KNOWN
from service.recommending.ranking.scratch import (
    PAST_SUMS,
    SUBCATEGORY_SUMS,
    SUMS,
    Totals,
    scratch_for,
)
from service.support.arrays.array_types import Float32, Records
from service.support.arrays.read_only import read_only


def filled(positions: Records, fill: Callable[..., Any] = fill) -> Float32:
    """The features of three candidates, the third of which is in the basket."""
    items, part = np.arange(3, dtype=np.int32), np.arange(3, dtype=np.float32)
    scratch = scratch_for(3)
    for number, name in enumerate(SUMS.names or ()):
        scratch.sums[name][1] = number + 2
    scratch.row_of[:] = 0, 1, 0
    scratch.recency[:] = part
    near = np.array([0, 1, 1, 1]), np.array([1], np.int32), np.ones(1, np.float32)
    known = NOTHING_KNOWN._replace(
        facts=read_only(np.zeros(3, FACTS)),
        back=(read_only(near[0]), read_only(near[1]), read_only(near[2])),
        positions=read_only(positions),
    )
    totals = Totals(np.zeros(1, SUBCATEGORY_SUMS), np.ones(1, PAST_SUMS))
    matrix = np.full((len(FEATURES), len(items)), np.nan, np.float32)
    parts = np.stack([part, part + 1, part + 2])
    fill(known, scratch, totals, items, items[2:], parts, 2, matrix)
    return matrix


def test_every_feature_has_a_formula() -> None:
    assert not np.isnan(filled(POSITIONS)).any()


def test_the_order_of_the_table_need_not_be_that_of_the_formulas() -> None:
    backwards = POSITIONS.copy()
    for name, position in zip(FEATURES, reversed(range(len(FEATURES))), strict=True):
        backwards[name] = position
    np.testing.assert_array_equal(filled(backwards), filled(POSITIONS)[::-1])


def test_a_formula_without_a_feature_does_not_compile() -> None:
    without_one = np.zeros(1, [(name, np.int32) for name in FEATURES if name != "share_vote"])
    with pytest.raises(numba.TypingError, match="share_vote"):
        filled(without_one, numba.njit(inspect.unwrap(fill)))
