"""ItemPop: the same best sellers for everybody."""

from index_builder.held_out import HeldOut
from index_builder.quality import K, Ranker
from service.bundle import Bundle

__all__ = ["item_popularity"]


def item_popularity(bundle: Bundle) -> Ranker:
    """Ranks by the number of training baskets; item indices are in that order already."""
    n_items = len(bundle.catalogue)

    def rank(basket: HeldOut) -> list[int]:
        given = set(basket.given.tolist())
        popular = range(min(n_items, K + len(given)))
        return [item for item in popular if item not in given][:K]

    return rank
