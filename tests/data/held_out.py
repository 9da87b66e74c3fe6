"""Held-out baskets written by hand."""

from collections.abc import Sequence

import numpy as np

from index_builder.transactions.encoded.held_out import HeldOut


def basket(given: Sequence[int], user: int = 0, targets: Sequence[int] = ()) -> HeldOut:
    """Return a basket of this user, of which some items are shown and others are to be found."""
    return HeldOut(user, np.array(given, np.int32), np.array(targets, np.int32))
