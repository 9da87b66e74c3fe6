"""Scorers, which give every item a score for a basket, and the ranking by these scores."""

from collections.abc import Callable

import numpy as np

from index_builder.measuring.quality import K, RankingFunction
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32

Scorer = Callable[[HeldOut], Float32]
"""Returns scores of all catalogue items, (n_items,) float32, the higher the better.

The basket has its given items in ascending order, and no targets.
"""

_NO_TARGETS = np.array([], np.int32)


def top(scorer: Scorer) -> RankingFunction:
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
