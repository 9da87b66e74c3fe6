"""Baskets written by hand, in the form in which the builder computes with them."""

from collections.abc import Sequence

import numpy as np
import polars as pl

from index_builder.transactions.encoded.encoding import EncodedBaskets, EncodedTransactions
from service.support.arrays.offsets import offsets


def encoded(
    baskets: Sequence[Sequence[int]],
    users: Sequence[int],
    begun: Sequence[int] | None = None,
) -> EncodedBaskets:
    """Return these baskets of item indices, each of one user, begun at these epoch seconds."""
    sizes = [len(basket) for basket in baskets]
    return EncodedBaskets(
        basket_indptr=offsets(sizes),
        basket_items=np.array([item for basket in baskets for item in sorted(basket)], np.int32),
        basket_user=np.array(users, np.int32),
        basket_begun=np.array(range(len(baskets)) if begun is None else begun, np.int64),
        left_out={},
    )


def trained(
    baskets: Sequence[Sequence[int]],
    n_items: int,
    users: Sequence[int] | None = None,
    begun: Sequence[int] | None = None,
) -> EncodedTransactions:
    """Return them as training baskets of a catalogue; all of one user if no users are named."""
    users = [0] * len(baskets) if users is None else users
    items = [item for basket in baskets for item in basket]
    return EncodedTransactions(
        **vars(encoded(baskets, users, begun)),
        items=pl.DataFrame({"item_id": [str(item) for item in range(n_items)]}),
        item_count=np.bincount(items, minlength=n_items).astype(np.int32),
        user_ids=[f"u{user}" for user in range(max(users) + 1)],
    )
