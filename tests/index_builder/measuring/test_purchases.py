"""Popularity, frequency, recency: worked out by hand."""

import numpy as np
import pytest

from index_builder.measuring.popularity import item_popularity
from index_builder.measuring.purchases import purchases, recency_frequency, user_frequency
from index_builder.measuring.quality import K
from index_builder.measuring.scorer import top
from service.bundle.bundle import preview_bundle
from tests.data.encoded import trained
from tests.data.held_out import basket
from tests.data.tiny_bundle import tiny_contents

DAY = 86_400
# User 0 bought item 3 on days 0 and 10 and item 2 on day 40; user 1 nothing but 4, on day 80.
SHOP = trained(
    [[3, 4], [3], [2], [4]], 6, users=[0, 0, 0, 1], begun=[0, 10 * DAY, 40 * DAY, 80 * DAY]
)


def test_item_popularity_is_the_best_sellers_that_are_not_in_the_basket() -> None:
    assert item_popularity(SHOP)(basket([])).tolist() == [0, 0, 1, 2, 2, 0]
    rank = top(item_popularity(preview_bundle(tiny_contents())))  # item 0 is the most popular
    assert rank(basket([])) == list(range(K))
    assert rank(basket([0, 3, 35])) == [1, 2, *range(4, K + 2)]


def test_user_frequency_is_the_users_own_and_then_the_best_sellers() -> None:
    rank = top(user_frequency(SHOP))
    assert rank(basket([])) == [3, 2, 4, 0, 1, 5]
    assert rank(basket([3])) == [2, 4, 0, 1, 5]
    assert rank(basket([], user=1)) == [4, 0, 1, 2, 3, 5]


def test_a_purchase_counts_half_for_every_half_life() -> None:
    scores = recency_frequency(SHOP, 10)(basket([]))
    # Baskets weigh 1/16, 1/8 and 1.
    assert scores * (1 + 3 / 16) == pytest.approx([0, 0, 1, 3 / 16, 1 / 16, 0])
    # Ages count from the user's own last basket, whenever that was.
    assert recency_frequency(SHOP, 10)(basket([], user=1)).tolist() == [0, 0, 0, 0, 1, 0]


def test_the_half_life_decides_between_often_and_lately() -> None:
    assert top(recency_frequency(SHOP, 10))(basket([]))[:3] == [2, 3, 4]
    assert top(recency_frequency(SHOP, 1000))(basket([]))[:3] == [3, 2, 4]


def test_a_user_without_purchases_gets_the_best_sellers() -> None:
    nothing = np.zeros(0, np.int32)
    rank = top(purchases(np.zeros(3, np.int64), nothing, nothing, 30))
    assert rank(basket([1], user=1)) == [0, *range(2, K + 1)]
