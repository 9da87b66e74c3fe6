"""Held-out baskets: a part of the items is given, the rest are targets to be found."""

from dataclasses import dataclass

import numpy as np

from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Int32

_MIN_ITEMS = 5
_TARGET_SHARE = 0.2


@dataclass(frozen=True)
class HeldOut:
    """One basket after the cut.

    Attributes:
        user: user index.
        given: (n,) int32 item indices, the input.
        targets: (m,) int32 item indices to be found; disjoint from `given`.
    """

    user: int
    given: Int32
    targets: Int32

    @property
    def items(self) -> Int32:
        """All items of the basket, ascending."""
        return np.union1d(self.given, self.targets)


def held_out(baskets: EncodedBaskets, seed: int, limit: int | None = None) -> list[HeldOut]:
    """Splits every basket of 5 catalogue items or more by a seeded permutation.

    Args:
        baskets: baskets of known users, later than all baskets that the model was fitted on.
        seed: of the permutations and of the sample.
        limit: at most so many, drawn at random.
    """
    rng = np.random.default_rng(seed)
    kept = np.flatnonzero(baskets.basket_sizes >= _MIN_ITEMS)
    if limit is not None and len(kept) > limit:
        kept = np.sort(rng.choice(kept, limit, replace=False))
    return [_split(baskets, basket, rng) for basket in kept.tolist()]


def split_again(basket: HeldOut, rng: np.random.Generator) -> HeldOut:
    """The same basket with as many targets, drawn anew."""
    items = rng.permutation(np.concatenate([basket.given, basket.targets]))
    n_targets = len(basket.targets)
    return HeldOut(basket.user, items[n_targets:], items[:n_targets])


def _split(baskets: EncodedBaskets, basket: int, rng: np.random.Generator) -> HeldOut:
    start, stop = baskets.basket_indptr[basket : basket + 2]
    items = rng.permutation(baskets.basket_items[start:stop])
    n_targets = max(1, round(_TARGET_SHARE * len(items)))
    return HeldOut(int(baskets.basket_user[basket]), items[n_targets:], items[:n_targets])
