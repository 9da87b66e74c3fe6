"""A scorer gives every item a score for a basket; `top` makes a ranking of it."""

from collections.abc import Callable

import numpy as np

from index_builder.measuring.quality import K, Ranker
from index_builder.transactions.held_out import HeldOut
from service.support.array_types import Float32

__all__ = ["Scorer", "top"]


Scorer = Callable[[HeldOut], Float32]
"""Scores of all catalogue items, (n_items,) float32, the higher the better.

It is shown the user and the given items, these in ascending order, and no targets.
"""

_NO_TARGETS = np.array([], np.int32)


def top(scorer: Scorer) -> Ranker:
    """Ranks by score the items that are not in the basket; ties by popularity.

    Item indices are in order of popularity, so of two equals the smaller index comes first.
    """

    def rank(basket: HeldOut) -> list[int]:
        shown = HeldOut(basket.user, np.sort(basket.given), _NO_TARGETS)
        scores = scorer(shown).copy()
        scores[shown.given] = -np.inf
        k = min(K, len(scores) - len(shown.given))
        if k == 0:
            return []
        kth = np.partition(scores, -k)[-k]
        better = np.flatnonzero(scores > kth)
        tied = np.flatnonzero(scores == kth)[: k - len(better)]
        best: list[int] = better[np.argsort(-scores[better], kind="stable")].tolist()
        best.extend(tied.tolist())
        return best

    return rank
