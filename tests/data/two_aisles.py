"""A world of two aisles, of even and of odd items: a user buys in one of them alone.

Vectors that learned it hold the items of an aisle together, and a user nearer to the own aisle.
"""

import numpy as np

from index_builder.embeddings.embeddings import Embeddings
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Float32
from tests.data.encoded import encoded

N_ITEMS, N_USERS = 12, 6
_AISLE = np.arange(N_ITEMS) % 2


def two_aisles(n_baskets: int = 400, *, one_user: bool = False) -> EncodedBaskets:
    """Return random baskets, of even users in the even aisle and of odd ones in the odd.

    With `one_user` they are the same baskets, all of user 0.
    """
    random = np.random.default_rng(0)
    users = random.integers(0, N_USERS, n_baskets)
    baskets = [
        random.choice(np.arange(user % 2, N_ITEMS, 2), random.integers(2, 6), replace=False)
        for user in users
    ]
    owners = [0] * n_baskets if one_user else users.tolist()
    return encoded([basket.tolist() for basket in baskets], owners)


def cohesion(embeddings: Embeddings) -> Float32:
    """Return p_i·q_j + p_j·q_i for each pair of items."""
    product = embeddings.item_p @ embeddings.item_q.T
    return product + product.T


def aisle_lead(embeddings: Embeddings) -> float:
    """Return by how much items cohere with those of their aisle more than with others, at least."""
    same = _AISLE[:, None] == _AISLE
    other, itself = ~same, np.eye(N_ITEMS, dtype=bool)
    found = cohesion(embeddings)
    nearest = np.where(same & ~itself, found, np.inf).min(axis=1)
    return float((nearest - np.where(other, found, -np.inf).max(axis=1)).min())


def own_aisle_lead(embeddings: Embeddings) -> float:
    """Return by how much users prefer the items of their aisle to the others, at least."""
    preference = embeddings.user_h @ (embeddings.item_p + embeddings.item_q).T
    own = (np.arange(N_USERS) % 2)[:, None] == _AISLE
    least = np.where(own, preference, np.inf).min(axis=1)
    return float((least - np.where(own, -np.inf, preference).max(axis=1)).min())
