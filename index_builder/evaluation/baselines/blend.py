"""Sums of two scorers."""

import numpy as np

from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32


def weighted_sum(first: Scorer, second: Scorer, weight: float = 1) -> Scorer:
    """Adds the scores of two scorers, the second multiplied by the weight."""

    def score(basket: HeldOut) -> Float32:
        scores: Float32 = first(basket) + np.float32(weight) * second(basket)
        return scores

    return score


def blend(first: Scorer, second: Scorer, weight: float = 1) -> Scorer:
    """The weighted sum of two scorers that do not share a scale.

    Both are scaled first, so that the best item outside the basket has a score of 1.
    """
    return weighted_sum(_scaled(first), _scaled(second), weight)


def _scaled(scorer: Scorer) -> Scorer:
    def score(basket: HeldOut) -> Float32:
        scores = scorer(basket)
        largest = np.delete(scores, basket.given).max(initial=0)
        return scores / largest if largest > 0 else scores

    return score
