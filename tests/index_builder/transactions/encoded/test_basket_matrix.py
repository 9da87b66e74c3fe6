"""Baskets as a matrix, and co-purchases a block at a time."""

import numpy as np
import pytest

from index_builder.transactions.encoded.basket_matrix import basket_matrix, co_purchase_blocks
from tests.data.encoded import encoded

BASKETS = encoded([[0, 1], [], [1, 2], [1]], [0, 0, 0, 0])


def test_a_one_for_each_item_of_each_basket() -> None:
    matrix = basket_matrix(BASKETS.basket_indptr, BASKETS.basket_items, 4, np.int32)
    assert matrix.dtype == np.int32
    assert matrix.toarray().tolist() == [[1, 1, 0, 0], [0, 0, 0, 0], [0, 1, 1, 0], [0, 1, 0, 0]]


@pytest.mark.parametrize("block_items", [1, 3, 4, 9])
def test_baskets_with_both_of_two_items(block_items: int) -> None:
    matrix = basket_matrix(BASKETS.basket_indptr, BASKETS.basket_items, 4)
    together = np.zeros((4, 4))
    for block, rows in co_purchase_blocks(matrix, block_items):
        together[block] = rows.toarray()
    assert together.tolist() == [[1, 1, 0, 0], [1, 3, 1, 0], [0, 1, 1, 0], [0, 0, 0, 0]]
