"""Users as rows of a sparse matrix, from baskets that do not all count the same."""

import numpy as np
from scipy.sparse import csr_array

from index_builder.transactions.encoded.basket_matrix import basket_matrix
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.support.arrays.array_types import Float32, Float64, Int32, Int64


def latest_first(basket_user: Int32) -> tuple[Int64, Int64]:
    """The place of each basket among its user's, 0 for the latest, and how many the user has.

    Args:
        basket_user: (n_baskets,) user indices, in the order in which the baskets began.

    Returns:
        (n_baskets,) each.
    """
    count = np.bincount(basket_user)
    by_user = np.argsort(basket_user, kind="stable")
    place = np.empty(len(basket_user), np.int64)
    place[by_user] = np.repeat(count.cumsum(), count) - 1 - np.arange(len(basket_user))
    return place, count[basket_user]


def user_matrix(encoded: EncodedTransactions, weights: Float64) -> csr_array:
    """Each user's baskets, added by weight: (n_users, n_items) float32, without zeros.

    Args:
        encoded: the training baskets.
        weights: (n,) what each basket of `encoded.of_users` counts.
    """
    past = encoded.of_users
    baskets = basket_matrix(past.basket_indptr, past.basket_items, encoded.n_items)
    by_user = csr_array(
        (weights.astype(np.float32), (past.basket_user, np.arange(past.n_baskets))),
        shape=(encoded.n_users, past.n_baskets),
    )
    users = (by_user @ baskets).tocsr()
    users.eliminate_zeros()
    return users


def with_basket(users: csr_array, user: int, given: Int32, weight: float) -> Float32:
    """A user's row, with a weight added for each item of the present basket: (n_items,)."""
    own = slice(*users.indptr[user : user + 2])
    row = np.zeros(users.shape[1], np.float32)
    row[users.indices[own]] = users.data[own]
    row[given] += np.float32(weight)
    return row
