"""Baskets written by hand, in the form in which the builder computes with them."""

from collections.abc import Sequence

import numpy as np

from index_builder.encoding import EncodedBaskets


def encoded(
    baskets: Sequence[Sequence[int]],
    users: Sequence[int],
    begun: Sequence[int] | None = None,
) -> EncodedBaskets:
    """Return these baskets of item indices, each of one user, begun at these epoch seconds."""
    sizes = [len(basket) for basket in baskets]
    return EncodedBaskets(
        basket_ids=[f"b{number}" for number in range(len(baskets))],
        basket_indptr=np.concatenate([[0], np.cumsum(sizes, dtype=np.int64)]).astype(np.int64),
        basket_items=np.array([item for basket in baskets for item in sorted(basket)], np.int32),
        basket_user=np.array(users, np.int32),
        basket_begun=np.array(range(len(baskets)) if begun is None else begun, np.int64),
        left_out={},
    )
