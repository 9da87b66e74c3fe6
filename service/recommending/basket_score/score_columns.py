"""What is known about the items of a basket, each beside the others: the columns of its score."""

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.aggregate import score_parts
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.features import FEATURES
from service.support.array_types import Float32, Int32
from service.support.read_only import read_only

__all__ = ["COLUMNS", "ScoreColumns"]


_LEVELS = ("subcategory", "category", "department")
_NO_ANCHORS = read_only(np.empty(0, np.int32))
_EXPECTED = 0.1  # of a shop's purchases on a shelf, as many as every shopper gets in advance

# How large the basket is says nothing about an item. Trees that know it let one more item change
# what all others are worth, and contributions would explain less. Cohesion depends on the vectors,
# whose lengths differ from training to training: what was calibrated with those of a window would
# be off with those that are shipped (by .08 in the mean, where it is .02 without).
_LEFT_OUT = {"basket_size", "cohesion_basket", "cohesion_user"}
_TAKEN = [place for place, name in enumerate(FEATURES) if name not in _LEFT_OUT]

COLUMNS = (
    *(name for name in FEATURES if name not in _LEFT_OUT),
    *(f"{level}_{measure}" for level in _LEVELS for measure in ("share_bought", "lift")),
)
"""The ranker's features of each item and, for each level of the taxonomy, of the item's shelf: its
share of what the shopper bought, and the log of that share over the shop's."""


class ScoreColumns:
    """Makes the columns; the builder learns from the same ones that the service scores by."""

    def __init__(self, bundle: Bundle, table: FeatureTable | None = None) -> None:
        """Prepares what all baskets share; the bundle must hold neighbours and past baskets.

        The bundle's `table` may be shared with a ranker.
        """
        self._table = table or FeatureTable(bundle)
        self._rows = bundle.item_vectors
        self._groups = [self._table.facts[level] for level in _LEVELS]
        counts = bundle.item_count.astype(np.float64)
        self._shop_shares = [np.bincount(each, counts) / counts.sum() for each in self._groups]

    def of(self, profile: Profile | None, items: Int32) -> Float32:
        """What is known of each item of a basket, beside all the others.

        Args:
            profile: the shopper; None knows of the basket alone.
            items: (n,) int32, ascending, one or more.

        Returns:
            (n, len(COLUMNS)) float32.
        """
        known = score_parts(self._rows, items, _NO_ANCHORS, None)  # their popularity
        with self._table.evidence(profile, items) as evidence:
            features = evidence.features(known)[:, _TAKEN]
        return np.column_stack([features, *self._level_columns(profile, items)])

    def _level_columns(self, profile: Profile | None, items: Int32) -> list[Float32]:
        columns = []
        for groups, shop_shares in zip(self._groups, self._shop_shares, strict=True):
            bought_share, shop_share = np.zeros(len(items)), shop_shares[groups[items]]
            if profile is not None:
                bought = np.bincount(groups[profile.items], profile.counts, len(shop_shares))
                bought_share = bought[groups[items]] / bought.sum()
            lift = np.log((bought_share + _EXPECTED * shop_share) / shop_share)
            columns += [bought_share.astype(np.float32), lift.astype(np.float32)]
        return columns
