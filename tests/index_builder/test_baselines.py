"""The opponents."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index_builder.baselines import item_popularity, user_frequency
from index_builder.held_out import HeldOut
from index_builder.quality import K
from service.bundle import preview_bundle
from tests.data.tiny_bundle import N_ITEMS, tiny_contents

# Item 0 is the most popular. User 0 bought items 0, 2, …, 10, number j in 1 + j baskets.
BUNDLE = preview_bundle(tiny_contents())
NO_TARGETS = np.array([], np.int32)


def basket(given_: list[int], user: int = 0) -> HeldOut:
    return HeldOut(user, np.array(given_, np.int32), NO_TARGETS)


def test_item_popularity_is_the_best_sellers_that_are_not_in_the_basket() -> None:
    rank = item_popularity(BUNDLE)
    assert rank(basket([])) == list(range(K))
    assert rank(basket([0, 3, 35])) == [1, 2, *range(4, K + 2)]


def test_user_frequency_is_the_users_own_and_then_the_best_sellers() -> None:
    rank = user_frequency(BUNDLE)
    rest = [item for item in range(N_ITEMS) if item not in (0, 2, 4, 6, 8, 10)]
    assert rank(basket([])) == [10, 8, 6, 4, 2, 0, *rest[: K - 6]]
    assert rank(basket([10, 2, 1])) == [8, 6, 4, 0, *[i for i in rest if i != 1][: K - 4]]


def test_equal_frequencies_are_ranked_by_popularity() -> None:
    contents = tiny_contents(history_count=np.ones(36, np.int32))
    ranked = user_frequency(preview_bundle(contents))(basket([], user=3))
    assert list(ranked[:6]) == [1, 3, 5, 7, 9, 11]


def test_a_user_without_history_gets_the_best_sellers() -> None:
    history = ("history_item", "history_count", "history_recency", "history_last")
    nothing = {name: getattr(tiny_contents(), name)[:0] for name in history}
    contents = tiny_contents(history_indptr=np.zeros(7, np.int64), **nothing)
    rank = user_frequency(preview_bundle(contents))
    assert list(rank(basket([1]))) == [0, *range(2, K + 1)]


@given(st.sets(st.integers(0, N_ITEMS - 1)), st.integers(0, 5))
def test_both_give_twenty_distinct_items_none_of_the_basket(given_: set[int], user: int) -> None:
    for ranker in (item_popularity(BUNDLE), user_frequency(BUNDLE)):
        ranked = ranker(basket(sorted(given_), user))
        assert len(set(ranked)) == len(ranked) == min(K, N_ITEMS - len(given_))
        assert not set(ranked) & given_
