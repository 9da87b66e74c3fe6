"""User frequency: what this shopper bought most often."""

import numpy as np

from index_builder.baselines.popularity import item_popularity
from index_builder.held_out import HeldOut
from index_builder.quality import K, Ranker
from service.bundle import Bundle

__all__ = ["user_frequency"]


def user_frequency(bundle: Bundle) -> Ranker:
    """Ranks by the user's baskets with the item, ties and gaps by popularity."""
    popular = item_popularity(bundle)

    def rank(basket: HeldOut) -> list[int]:
        own = slice(*bundle.history_indptr[basket.user : basket.user + 2])
        items, counts = bundle.history_item[own], bundle.history_count[own]
        fresh = ~np.isin(items, basket.given)
        best = items[fresh][np.argsort(-counts[fresh], kind="stable")][:K].tolist()
        return list(best + [item for item in popular(basket) if item not in best])[:K]

    return rank
