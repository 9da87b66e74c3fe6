"""Sums of rows by hand, dense and sparse."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.sparse import csr_array

from index_builder.evaluation.baselines.methods.linear import of_basket, of_history
from service.support.arrays.array_types import Float32
from tests.data.encoded import trained
from tests.data.held_out import basket

DAY = 86_400
WEIGHTS = np.array([[0, 1, 2], [3, 0, 4], [5, 6, 0]], np.float32)


@pytest.mark.parametrize("form", [np.array, csr_array])
def test_the_rows_of_the_basket_are_summed(form: Callable[[Float32], Float32 | csr_array]) -> None:
    score = of_basket(form(WEIGHTS))
    assert score(basket([0])).tolist() == [0, 1, 2]
    assert score(basket([0, 2])).tolist() == [5, 7, 2]
    assert score(basket([])).tolist() == [0, 0, 0]


def test_the_history_counts_by_recency() -> None:
    # User 0 bought item 0 a half-life before item 1: their shares of the weight are 1/3 and 2/3.
    shop = trained([[0], [1], [2]], 3, users=[0, 0, 1], begun=[0, 10 * DAY, 10 * DAY])
    score = of_history(WEIGHTS, shop, half_life_days=10)
    assert score(basket([2], user=0)) == pytest.approx([2, 1 / 3, 10 / 3])
    assert score(basket([0], user=1)).tolist() == [5, 6, 0]
    assert score(basket([1], user=0)) == pytest.approx([2, 1 / 3, 10 / 3])


def test_who_bought_nothing_has_no_scores() -> None:
    shop = trained([[0], [1]], 3, users=[0, 2])
    scores = of_history(WEIGHTS, shop, half_life_days=10)(basket([0], user=1))
    assert scores.tolist() == [0, 0, 0]
