"""The neighbourhood ridge, against a dense solution in plain NumPy."""

import numpy as np
import pytest

from index_builder.evaluation.baselines.methods.linear import of_basket
from index_builder.evaluation.baselines.methods.neighbourhood_ridge import ridge_weights
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained
from tests.data.held_out import basket

# Item 0 meets 1 three times and 2 once; 1 and 2 meet once; 3 is alone.
BASKETS = [[0, 1], [0, 1], [0, 1, 2], [2], [3]]


def test_every_pair_by_the_equations() -> None:
    shop = trained(BASKETS, 4)
    matrix = np.zeros((5, 4))
    for row, items in zip(matrix, BASKETS, strict=True):
        row[items] = 1
    gram = matrix.T @ matrix
    wanted = np.zeros((4, 4))
    for target, near in ((0, [1, 2]), (1, [0, 2]), (2, [0, 1])):
        equations = gram[np.ix_(near, near)] + 2 * np.eye(2)
        wanted[near, target] = np.linalg.solve(equations, gram[near, target])
    assert ridge_weights(shop, 2).toarray() == pytest.approx(wanted, abs=1e-6)


def test_one_neighbour_by_hand() -> None:
    # The nearest of 0 is 1, and of 1 it is 0: 3 baskets with both / (3 baskets + lambda).
    weights = ridge_weights(trained(BASKETS, 4), 2, limit=1).toarray()
    assert weights[0, 1] == weights[1, 0] == pytest.approx(3 / 5)
    assert weights[0, 2] == 0  # 0 is the nearest of 2, but 2 is not that of 0


def test_aisles_do_not_mix(aisles: EncodedTransactions) -> None:
    rank = top(of_basket(ridge_weights(aisles, 10)))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item]))[:5])
