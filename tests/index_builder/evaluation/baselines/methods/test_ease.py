"""EASE, against the closed form."""

from importlib import import_module

import numpy as np
import pytest

from index_builder.evaluation.baselines.methods.ease import ease_weights
from index_builder.evaluation.baselines.methods.linear import of_basket
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained
from tests.data.held_out import basket

MODULE = import_module("index_builder.evaluation.baselines.methods.ease")


@pytest.mark.parametrize("block", [1, 5, 11, 12, 1024])
@pytest.mark.parametrize("regularisation", [0.5, 30])
def test_the_closed_form(
    monkeypatch: pytest.MonkeyPatch, block: int, regularisation: float
) -> None:
    monkeypatch.setattr(MODULE, "_BLOCK_ITEMS", block)
    random, n = np.random.default_rng(1), 12
    baskets = [random.choice(n - 1, random.integers(1, 6), replace=False) for _ in range(50)]
    matrix = np.zeros((50, n))  # the last item is in no basket
    for row, items in zip(matrix, baskets, strict=True):
        row[items] = 1
    inverse = np.linalg.inv(matrix.T @ matrix + regularisation * np.eye(n))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)

    found = ease_weights(trained([items.tolist() for items in baskets], n), regularisation)
    np.testing.assert_allclose(found, weights, rtol=1e-4, atol=1e-5)


def test_two_items_by_hand() -> None:
    # X'X = [[2, 1], [1, 2]]: the least squares weight of one for the other is 1 / (2 + lambda).
    weights = ease_weights(trained([[0, 1], [0], [1]], 2), 3)
    assert weights == pytest.approx(np.array([[0, 1 / 5], [1 / 5, 0]]))


def test_a_catalogue_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(MODULE, "MOST_ITEMS", 3)
    with pytest.raises(ValueError, match="at most 3 items, found 4"):
        ease_weights(trained([[0, 1, 2, 3]], 4))


def test_aisles_do_not_mix(aisles: EncodedTransactions) -> None:
    rank = top(of_basket(ease_weights(aisles, 10)))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item]))[:5])
