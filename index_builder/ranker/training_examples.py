"""Training examples of the ranker: candidates of held-out baskets, made by the production code."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index_builder.config import RankerConfig
from index_builder.measuring.quality import request_of
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.recommending.ranking.features import FEATURES
from service.recommending.recommender import Recommender
from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Int32

_PURCHASES = list(FEATURES).index("purchases")
# More candidates than the service has time for: they make better trees.
_OPTIONS = RecommendOptions(search_candidates=200, history_candidates=200)


@dataclass(frozen=True)
class TrainingExamples:
    """Candidates of baskets, one basket after the other.

    Attributes:
        features: (n, len(FEATURES)) float32.
        labels: (n,) int32: 0, 1 for a target, 2 for a target that the user had not bought before.
        sizes: number of candidates of each basket.
    """

    features: Float32
    labels: Int32
    sizes: list[int]


def training_examples(
    bundle: Bundle, baskets: Sequence[HeldOut], config: RankerConfig, seed: int
) -> TrainingExamples:
    """The candidates of each basket with their features, labelled by whether they were bought.

    Args:
        bundle: made from earlier transactions only.
        baskets: held-out baskets with their targets.
        config: the share of baskets taken as a stranger's, and the share kept of the candidates
            that were not bought.
        seed: of both choices.
    """
    recommender = Recommender(bundle, _OPTIONS)
    rng = np.random.default_rng(seed)
    features, labels = [], []
    for basket in baskets:
        stranger = rng.random() < config.stranger_share
        listed = recommender.shortlist(request_of(basket, bundle, k=0, stranger=stranger))
        if listed.features is None:
            continue
        bought = np.isin(listed.candidates.items, basket.targets)
        first_time = listed.features[:, _PURCHASES] == 0
        kept = bought | (rng.random(len(bought)) < config.negative_share)
        features.append(listed.features[kept])
        labels.append((bought * np.where(first_time, 2, 1))[kept].astype(np.int32))
    return TrainingExamples(
        np.concatenate(features), np.concatenate(labels), [len(y) for y in labels]
    )
