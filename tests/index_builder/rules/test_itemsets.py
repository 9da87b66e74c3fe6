"""Frequent itemsets where they are too many to be listed."""

from math import comb

import numpy as np
import pytest

from index_builder.rules.itemsets import frequent_itemsets


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
