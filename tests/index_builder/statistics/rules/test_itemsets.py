"""Frequent itemsets where they are too many to be listed."""

from itertools import combinations
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.statistics.rules.itemsets import frequent_itemsets


@pytest.mark.parametrize(
    ("most", "lengths", "complete"),
    [(1000, 5, True), (252, 5, True), (251, 4, False), (209, 3, False), (119, 2, False)],
)
def test_ten_items_that_are_always_bought_together(most: int, lengths: int, complete: bool) -> None:
    """They have 120 parts of 3 items, 210 of 4 and 252 of 5."""
    indptr = np.arange(0, 51, 10, dtype=np.int64)
    found = frequent_itemsets(indptr, np.tile(np.arange(10, dtype=np.int32), 5), 10, 5, 5, most)
    sizes = [len(itemsets) for itemsets in found.items]
    assert sizes == [comb(10, length) for length in range(1, lengths + 1)]
    assert found.complete is complete
    assert all((count == 5).all() for count in found.count)


def test_places_of_itemsets() -> None:
    indptr = np.array([0, 3, 5, 7], np.int64)
    found = frequent_itemsets(indptr, np.array([0, 2, 3, 0, 2, 1, 3], np.int32), 4, 1, 5, 100)
    assert found.items[1].tolist() == [[0, 2], [0, 3], [1, 3], [2, 3]]
    assert found.places(np.array([[1, 3], [0, 2]], np.int32)).tolist() == [2, 0]
    assert found.count[1].tolist() == [2, 1, 1, 1]
    assert found.items[2].tolist() == [[0, 2, 3]]


@pytest.mark.parametrize(
    ("n_items", "lengths"),
    [
        (1000, [1000, 499_500]),  # and 166 million of 3: 13 GB
        (1500, [1500]),  # and 1.1 million pairs
        (1_000_000, [1_000_000]),  # and 500 billion pairs
    ],
)
def test_what_is_too_much_for_memory_is_not_even_mined(n_items: int, lengths: list[int]) -> None:
    indptr = np.arange(16, dtype=np.int64) * n_items
    items = np.tile(np.arange(n_items, dtype=np.int32), 15)
    found = frequent_itemsets(indptr, items, n_items, 10, 5, 500_000)
    assert [len(itemsets) for itemsets in found.items] == lengths
    assert not found.complete


def test_a_wholesale_customer_does_not_hide_the_rules_of_others() -> None:
    """Nine baskets of 2,000 items are fewer than the threshold, whatever they hold."""
    sizes = [2000] * 9 + [2] * 30
    indptr = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    items = np.concatenate([np.tile(np.arange(2000), 9), np.tile([3, 7], 30)]).astype(np.int32)
    found = frequent_itemsets(indptr, items, 2000, 10, 5, 1000)
    assert found.items[1].tolist() == [[3, 7]]
    assert found.complete


@settings(deadline=None, max_examples=50)
@given(
    baskets=st.lists(st.sets(st.integers(0, 6), min_size=1), min_size=1, max_size=12),
    min_count=st.integers(1, 3),
)
def test_all_frequent_itemsets_are_found(baskets: list[set[int]], min_count: int) -> None:
    indptr = np.concatenate([[0], np.cumsum([len(basket) for basket in baskets])])
    items = np.concatenate([sorted(basket) for basket in baskets]).astype(np.int32)
    found = frequent_itemsets(indptr.astype(np.int64), items, 7, min_count, 4, 1000)
    listed = {
        tuple(itemset): int(count)
        for itemsets, counts in zip(found.items, found.count, strict=True)
        for itemset, count in zip(itemsets.tolist(), counts, strict=True)
    }
    every = {
        each: sum(set(each) <= basket for basket in baskets)
        for length in range(1, 5)
        for each in combinations(range(7), length)
    }
    assert listed == {each: count for each, count in every.items() if count >= min_count}
    assert found.complete
