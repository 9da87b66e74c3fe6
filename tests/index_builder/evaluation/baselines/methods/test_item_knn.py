"""item-kNN: cosines that anyone can count."""

from math import sqrt

import pytest

from index_builder.evaluation.baselines.methods.item_knn import co_purchases, item_knn
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained
from tests.data.held_out import basket

# Items 0 and 1 are in 3 baskets each, 2 in 2, 3 in 1 and 4 in none; 0 and 1 meet twice.
SHOP = trained([[0, 1], [0, 1], [0, 2], [1, 2], [3]], 5)


def test_the_shrunk_cosine_summed_over_the_basket() -> None:
    scores = item_knn(SHOP, shrinkage=5)(basket([0]))
    assert scores[1:] == pytest.approx([2 / (3 + 5), 1 / (sqrt(6) + 5), 0, 0])
    scores = item_knn(SHOP, shrinkage=5)(basket([0, 1]))
    assert scores[2:] == pytest.approx([2 / (sqrt(6) + 5), 0, 0])


@pytest.mark.parametrize(("power", "norm"), [(0, 3), (0.5, sqrt(6)), (1, 2)])
def test_the_power_divides_the_norm_between_item_and_neighbour(power: float, norm: float) -> None:
    assert item_knn(SHOP, 5, power)(basket([0]))[2] == pytest.approx(1 / (norm + 5))
    assert item_knn(SHOP, 0, power)(basket([0]))[2] == pytest.approx(1 / norm)


def test_items_never_bought_with_the_basket_come_by_popularity() -> None:
    assert top(item_knn(SHOP))(basket([0])) == [1, 2, 3, 4]
    assert top(item_knn(SHOP))(basket([3])) == [0, 1, 2, 4]
    assert top(item_knn(SHOP))(basket([4])) == [0, 1, 2, 3]


def test_counts_that_are_known_already_change_nothing(aisles: EncodedTransactions) -> None:
    known = item_knn(aisles, 2, 0.3, co_purchases(aisles))(basket([0, 3]))
    assert known.tolist() == item_knn(aisles, 2, 0.3)(basket([0, 3])).tolist()


def test_aisles_do_not_mix(aisles: EncodedTransactions) -> None:
    rank = top(item_knn(aisles))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item]))[:5])
