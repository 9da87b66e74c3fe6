"""Baskets of millions of users at random, as integers: what training gets from encoding."""

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedBaskets

__all__ = ["random_baskets"]


def random_baskets(n_users: int, n_items: int, per_user: int = 2, size: int = 8) -> EncodedBaskets:
    """Returns so many baskets of each user; an item's popularity falls with its index (Zipf).

    Args:
        n_users: number of users.
        n_items: number of items.
        per_user: baskets of each.
        size: most items of a basket; an item that is drawn twice is there once.
    """
    random = np.random.default_rng(1)
    n_baskets = per_user * n_users
    items = np.empty((n_baskets, size), np.int32)
    block = 1 << 20
    for start in range(0, n_baskets, block):
        some = items[start : start + block]
        some[:] = n_items ** random.random(some.shape, np.float32) - 1
        some.sort(axis=1)
    first = np.ones(items.shape, np.bool_)
    first[:, 1:] = items[:, 1:] != items[:, :-1]
    indptr = np.zeros(n_baskets + 1, np.int64)
    np.cumsum(first.sum(axis=1), out=indptr[1:])
    return EncodedBaskets(
        basket_indptr=indptr,
        basket_items=items[first],
        basket_user=random.permutation(np.repeat(np.arange(n_users, dtype=np.int32), per_user)),
        basket_begun=np.arange(n_baskets),
        left_out={},
    )
