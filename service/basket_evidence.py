"""What is known about the items of a basket, each beside the others: the columns of its score."""

import numpy as np
import numpy.typing as npt

from service.aggregate import Candidates, score_parts
from service.arrays import needed
from service.bundle import Bundle
from service.profiles import Profile
from service.ranking import FEATURES, FeatureTable

__all__ = ["COLUMNS", "BasketEvidence"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]

_LEVELS = ("subcategory", "category", "department")
_EXPECTED = 0.1  # of a shop's purchases on a shelf, as many as every shopper gets in advance

# How large the basket is says nothing about an item. Trees that know it let one more item change
# what all others are worth, and contributions would explain less.
_TAKEN = [place for place, name in enumerate(FEATURES) if name != "basket_size"]

COLUMNS = (
    *(name for name in FEATURES if name != "basket_size"),
    *(f"{level}_{measure}" for level in _LEVELS for measure in ("share_bought", "lift")),
)
"""The ranker's features of each item and, for each level of the taxonomy, of the item's shelf: its
share of what the shopper bought, and the log of that share over the shop's."""


class BasketEvidence:
    """Makes the columns; the builder learns from the same ones that the service scores by."""

    def __init__(self, bundle: Bundle, table: FeatureTable | None = None) -> None:
        """Prepares what all baskets share; the bundle must hold neighbours and past baskets.

        The bundle's `table` may be shared with a ranker.
        """
        self._table = table or FeatureTable(bundle)
        self._rows = needed(bundle.item_vectors)
        self._shelves = self._table.facts[:, : len(_LEVELS)].astype(np.int32)
        counts = bundle.item_count.astype(np.float64)
        self._shop_shares = [
            np.bincount(shelf, counts) / counts.sum() for shelf in self._shelves.T
        ]  # by shelf, level by level

    def columns(self, profile: Profile | None, items: Int32) -> Float32:
        """What is known of each item of a basket, beside all the others.

        Args:
            profile: the shopper; None knows of the basket alone.
            items: (n,) int32, ascending, one or more.

        Returns:
            (n, len(COLUMNS)) float32.
        """
        beside = self._beside_the_others(profile, items)
        with self._table.evidence(profile, items) as evidence:
            features = evidence.features(beside)[:, _TAKEN]
        return np.column_stack([features, *self._shelf_columns(profile, items)])

    def _beside_the_others(self, profile: Profile | None, items: Int32) -> Candidates:
        """The parts of a blended score for every item of the basket, itself no anchor of its own.

        Neighbours need no such care: an item is none of itself.
        """
        d, n = self._rows.shape[1] // 2, np.float32(len(items))
        rows = self._rows[items]
        parts = score_parts(self._rows, items, items, profile)
        itself = 2 * np.einsum("nd,nd->n", rows[:, :d], rows[:, d : 2 * d])
        others = (n * parts.basket - itself) / (n - 1) if n > 1 else np.zeros(1, np.float32)
        return parts._replace(basket=others)

    def _shelf_columns(self, profile: Profile | None, items: Int32) -> list[Float32]:
        columns = []
        for shelf, shop in zip(self._shelves.T, self._shop_shares, strict=True):
            own, usual = np.zeros(len(items)), shop[shelf[items]]
            if profile is not None:
                bought = np.bincount(shelf[profile.items], profile.counts, len(shop))
                own = bought[shelf[items]] / bought.sum()
            lift = np.log((own + _EXPECTED * usual) / usual)
            columns += [own.astype(np.float32), lift.astype(np.float32)]
        return columns
