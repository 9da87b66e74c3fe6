"""The order of baskets, and users as rows, by hand."""

from dataclasses import replace

import numpy as np

from index_builder.evaluation.baselines.methods.users import (
    latest_first,
    user_matrix,
    with_basket,
)
from tests.data.encoded import trained


def test_the_latest_basket_of_each_user_comes_first() -> None:
    place, count = latest_first(np.array([2, 0, 2, 2, 0], np.int32))
    assert place.tolist() == [2, 1, 1, 0, 0]
    assert count.tolist() == [3, 2, 3, 3, 2]


def test_baskets_are_added_by_weight() -> None:
    shop = trained([[0, 1], [1], [0, 2], [2]], 3, users=[0, 0, 2, 0])
    users = user_matrix(shop, np.array([1, 0.5, 2, 0]))
    assert users.toarray().tolist() == [[1, 1.5, 0], [0, 0, 0], [2, 0, 2]]
    assert users.nnz == 4  # nothing is kept of a basket without weight


def test_a_guests_basket_is_nobodys() -> None:
    shop = replace(trained([[0], [1], [2]], 3, users=[0, 1, 2]), user_ids=["u0", "u1"])
    assert user_matrix(shop, np.ones(2)).toarray().tolist() == [[1, 0, 0], [0, 1, 0]]


def test_the_present_basket_is_added_to_one_row_and_changes_none() -> None:
    users = user_matrix(trained([[0, 1], [2]], 3, users=[0, 1]), np.ones(2))
    given = np.array([1, 2], np.int32)
    assert with_basket(users, 0, given, 0.5).tolist() == [1, 1.5, 0.5]
    assert with_basket(users, 0, given, 0).tolist() == [1, 1, 0]
    assert users.toarray().tolist() == [[1, 1, 0], [0, 0, 1]]
