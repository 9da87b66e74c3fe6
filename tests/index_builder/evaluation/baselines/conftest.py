"""A shop of two aisles that must not mix."""

import numpy as np
import pytest

from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained

N_ITEMS, N_USERS = 12, 6


@pytest.fixture(scope="session")
def aisles() -> EncodedTransactions:
    """Even items and even users, odd items and odd users: each user stays in one aisle."""
    random = np.random.default_rng(0)
    users = random.integers(0, N_USERS, 400).tolist()
    baskets = [
        random.choice(np.arange(user % 2, N_ITEMS, 2), random.integers(2, 6), replace=False)
        for user in users
    ]
    return trained([basket.tolist() for basket in baskets], N_ITEMS, users)
