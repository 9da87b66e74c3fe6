"""The comparison: the bundle's own recommender beside the simple ways to rank."""

from collections.abc import Sequence
from dataclasses import replace

from index_builder.baselines import item_popularity, user_frequency
from index_builder.held_out import HeldOut
from index_builder.quality import Quality, Ranker, measure, ranker_of
from service.aggregate import Weights
from service.bundle import Bundle
from service.recommender import Recommender
from service.settings import Settings

__all__ = ["compare"]


def compare(bundle: Bundle, baskets: Sequence[HeldOut], weights: Weights) -> dict[str, Quality]:
    """Measures every method on the same baskets.

    Args:
        bundle: built from baskets that began before all of these.
        baskets: the held-out baskets.
        weights: of the parts of a score.
    """
    alone = Recommender(bundle, Settings(history_candidates=0), weights=replace(weights, history=0))
    rankers: dict[str, Ranker] = {
        "item popularity": item_popularity(bundle),
        "user frequency": user_frequency(bundle),
        "RTT2Vec: vectors and prior": ranker_of(alone, bundle),
        "RTT2Vec with history": ranker_of(Recommender(bundle, Settings(), weights=weights), bundle),
    }
    return {name: measure(rank, baskets, bundle) for name, rank in rankers.items()}
