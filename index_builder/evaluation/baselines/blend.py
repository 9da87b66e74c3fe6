"""A blend of two scorers."""

import numpy as np

from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32


def blend(first: Scorer, second: Scorer, weight: float = 1) -> Scorer:
    """Adds the scores of two scorers, the second multiplied by the weight.

    Both are scaled first, so that the best item outside the basket has a score of 1.
    """

    def score(basket: HeldOut) -> Float32:
        ours, theirs = (_scaled(scorer(basket), basket) for scorer in (first, second))
        scores: Float32 = ours + np.float32(weight) * theirs
        return scores

    return score


def _scaled(scores: Float32, basket: HeldOut) -> Float32:
    largest = np.delete(scores, basket.given).max(initial=0)
    return scores / largest if largest > 0 else scores
