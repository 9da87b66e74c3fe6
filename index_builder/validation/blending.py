"""The weights of the blended score: a grid search on held-out baskets."""

from collections.abc import Sequence

import numpy as np

from index_builder.measuring.quality import K, request_of
from index_builder.transactions.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.recommending.aggregate import Candidates
from service.recommending.recommender import Recommender
from service.recommending.weights import Weights
from service.settings import RecommendOptions

UNBLENDED = Weights(user=0.5, popularity=1, history=0)
BLENDED = Weights(user=0.5, popularity=1, history=4)
_COMBINATIONS = [
    Weights(user, popularity, history)
    for user in (0.03, 0.06, 0.125, 0.25, 0.5, 1.0)
    for popularity in (0.125, 0.25, 0.5, 1.0, 2.0)
    for history in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
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
    # One query per anchor brings more candidates, among which all weights find theirs.
    options = RecommendOptions(search="anchors", search_candidates=40)
    recommender = Recommender(bundle, options, UNBLENDED)
    scored = [
        recommender.shortlist(request_of(basket, bundle, k=0)).candidates for basket in baskets
    ]
    recalls = [_mean_recall(scored, baskets, weights) for weights in grid]
    best = int(np.argmax(recalls))
    return grid[best], recalls[best]


def _mean_recall(
    scored: Sequence[Candidates], baskets: Sequence[HeldOut], weights: Weights
) -> float:
    recalls = []
    for candidates, basket in zip(scored, baskets, strict=True):
        scores = candidates.score(weights)
        best = np.argpartition(-scores, K)[:K] if len(scores) > K else np.arange(len(scores))
        recalls.append(np.isin(basket.targets, candidates.items[best]).mean())
    return float(np.mean(recalls))
