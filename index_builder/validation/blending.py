"""The weights of the blended score: a grid search on held-out baskets."""

from collections.abc import Sequence

import numpy as np

from index_builder.measuring.quality import K, request_of
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.recommending.aggregate import Candidates
from service.recommending.recommender import Recommender
from service.recommending.weights import Weights
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Float64

_EXPONENT = 0.5  # as basket completion learns it
_NEIGHBOUR = 40  # about one over the probability of what is worth recommending
UNBLENDED = Weights(1, 0.75, 0, _EXPONENT, _NEIGHBOUR)
BLENDED = Weights(1, 0.75, 1.5, _EXPONENT, _NEIGHBOUR)
_COMBINATIONS = [
    Weights(user, popularity, history, _EXPONENT, _NEIGHBOUR)
    for user in (0.03, 0.06, 0.125, 0.25, 0.5, 0.75, 1.0, 1.5)
    for popularity in (0.125, 0.25, 0.5, 0.75, 1.0, 2.0)
    for history in (0.0, 0.5, 1.0, 1.5, 2.0, 4.0, 8.0)
]
# The default comes first: of equally good weights, the first are taken.
GRID = [BLENDED, *_COMBINATIONS]
GRID_WITHOUT_HISTORY = [UNBLENDED, *(each for each in _COMBINATIONS if not each.history)]


def best_weights(
    bundle: Bundle, baskets: Sequence[HeldOut], grid: Sequence[Weights]
) -> tuple[Weights, float]:
    """The weights of a grid with the highest recall, and this recall.

    Args:
        bundle: fitted on earlier baskets.
        baskets: held-out baskets.
        grid: of equally good weights, the first are taken.
    """
    # Many candidates, among which all weights find theirs.
    options = RecommendOptions(search="mean", search_candidates=300)
    recommender = Recommender(bundle, options, UNBLENDED)
    scored = [
        recommender.shortlist(request_of(basket, bundle, k=0)).candidates for basket in baskets
    ]
    factors = np.array([[1, each.user, each.popularity, each.history] for each in grid], np.float32)
    recalls = np.mean(
        [_recalls(each, basket, factors) for each, basket in zip(scored, baskets, strict=True)],
        axis=0,
    )
    best = int(np.argmax(recalls))
    return grid[best], float(recalls[best])


def _recalls(candidates: Candidates, basket: HeldOut, factors: Float32) -> Float64:
    """The recall of one basket with each of the weights, (n,), from their factors, (n, 4)."""
    parts = (candidates.basket, candidates.user, candidates.popularity, candidates.history)
    scores = factors @ np.stack(parts)  # (n, candidates)
    found = np.isin(candidates.items, basket.targets)
    if scores.shape[1] > K:
        found = found[np.argpartition(-scores, K, axis=1)[:, :K]]  # (n, K)
    else:
        found = np.tile(found, (len(factors), 1))
    recalls: Float64 = found.sum(axis=1) / len(basket.targets)
    return recalls
