"""The columns of the basket score: what its trees know about each item of a basket."""

import numpy as np

from service.bundle.bundle import Bundle
from service.profiles.profile import Profile
from service.recommending.aggregate import score_parts
from service.recommending.ranking.feature_table import FeatureTable
from service.recommending.ranking.features import FEATURES
from service.support.arrays.array_types import Float32, Int32
from service.support.arrays.read_only import read_only

_LEVELS = ("subcategory", "category", "department")
_NO_ANCHORS = read_only(np.empty(0, np.int32))
_PRIOR = 0.1  # weight of the shop's share in a user's, so that no share is 0

# With the size of the basket, one more item would change the contributions of all others, and they
# would explain less. Cohesion depends on the vectors, whose lengths differ between trainings: with
# it, a score calibrated with the vectors of a window is off by .08 in the mean with those of the
# bundle; without it, by .02.
_LEFT_OUT = {"basket_size", "cohesion_basket", "cohesion_user"}
_TAKEN = [place for place, name in enumerate(FEATURES) if name not in _LEFT_OUT]

COLUMNS = (
    *(name for name in FEATURES if name not in _LEFT_OUT),
    *(f"{level}_{measure}" for level in _LEVELS for measure in ("share_bought", "lift")),
)
"""The ranker's features of each item. Then, for each level of the taxonomy, the share of the item's
group in what the user bought, and the log of that share over the shop's."""


class ScoreColumns:
    """Makes the columns, for training and for serving."""

    def __init__(self, bundle: Bundle, table: FeatureTable | None = None) -> None:
        """Reads a bundle that has neighbours and past baskets; `table` is shared with a ranker."""
        self._table = table or FeatureTable(bundle)
        self._rows = bundle.item_vectors
        self._groups = [self._table.known.facts[level] for level in _LEVELS]
        counts = bundle.item_count.astype(np.float64)
        self._shop_shares = [np.bincount(each, counts) / counts.sum() for each in self._groups]

    def of(self, profile: Profile | None, items: Int32) -> Float32:
        """The columns of each item of a basket, (n, len(COLUMNS)) float32.

        Args:
            profile: the user's; None for the population score.
            items: (n,) int32, ascending, one or more.
        """
        known = score_parts(self._rows, items, _NO_ANCHORS, None)  # for their popularity
        features = self._table.features(profile, items, known)[:, _TAKEN]
        return np.column_stack([features, *self._level_columns(profile, items)])

    def _level_columns(self, profile: Profile | None, items: Int32) -> list[Float32]:
        columns = []
        for groups, shop_shares in zip(self._groups, self._shop_shares, strict=True):
            bought_share, shop_share = np.zeros(len(items)), shop_shares[groups[items]]
            if profile is not None:
                bought = np.bincount(groups[profile.items], profile.counts, len(shop_shares))
                bought_share = bought[groups[items]] / bought.sum()
            lift = np.log((bought_share + _PRIOR * shop_share) / shop_share)
            columns += [bought_share.astype(np.float32), lift.astype(np.float32)]
        return columns
