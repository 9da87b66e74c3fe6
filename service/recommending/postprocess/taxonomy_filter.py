"""The taxonomy filter: it demotes or drops candidates whose category does not go with the basket.

Two categories go together if the lift of their pair reaches a threshold. A candidate is doubted if
its category goes with none of the basket's, although at least one pair has enough baskets to tell.
It is not doubted if it has no category, or one that is in the basket already.
"""

from typing import Self

import numpy as np

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.settings import RecommendOptions
from service.support.arrays.array_types import Bool, Float32, Int32, Positions


class TaxonomyFilter:
    """Finds the candidates whose category does not go with the basket's, and moves them back."""

    def __init__(self, codes: Int32, lift: Float32, min_lift: float, drop: bool) -> None:
        """Prepares what all requests share.

        Args:
            codes: (n_items,) int32, the category of each item, -1 for none.
            lift: (n, n) float32, of each pair of categories; -1 where there is too little to tell.
            min_lift: from which on two categories go together.
            drop: whether a doubted candidate loses its place in the list to the next one; else it
                goes to the end of the list.
        """
        n = len(lift)
        # The last row and column stand for items without a category: too little to tell.
        self._lift = np.full((n + 1, n + 1), -1, np.float32)
        self._lift[:n, :n] = lift
        np.fill_diagonal(self._lift, np.inf)
        self._codes = codes
        self._min_lift = min_lift
        self._drop = drop

    @classmethod
    def read(cls, bundle: Bundle, options: RecommendOptions) -> Self | None:
        """Returns the filter that the options ask for, or None.

        Raises:
            BundleInvalidError: the bundle has no lifts, or those of other categories than its own.
        """
        if options.taxonomy_filter == "off":
            return None
        level, lift = bundle.catalogue.taxonomy.category, bundle.category_lift
        n = len(level.names)
        if lift is None or lift.shape != (n, n):
            expected = f"the lifts of {n} categories, for the taxonomy filter"
            found = "none" if lift is None else f"shape {lift.shape}"
            remedy = "Build a bundle with rtt2vec-build of this version, or set the filter to off."
            raise BundleInvalidError("category_lift.npy", expected, found, remedy)
        drop = options.taxonomy_filter == "drop"
        return cls(level.codes, lift, options.taxonomy_min_lift, drop)

    def doubted(self, basket: Int32, items: Int32) -> Bool:
        """Marks the doubted ones among `items`, (n,), for a basket of item indices, (m,)."""
        if not len(basket):
            return np.zeros(len(items), np.bool_)
        best = self._lift[np.unique(self._codes[basket])].max(axis=0)
        doubted: Bool = ((best >= 0) & (best < self._min_lift))[self._codes[items]]
        return doubted

    def apply(self, basket: Int32, items: Int32, ranked: Positions, k: int) -> Positions:
        """Moves doubted candidates behind others; none is lost.

        Args:
            basket: (m,) item indices.
            items: (n,) item indices, the candidates.
            ranked: (n,) places of candidates, best first.
            k: recommendations wanted.
        """
        within = len(ranked) if self._drop else k
        judged, rest = ranked[:within], ranked[within:]
        doubted = self.doubted(basket, items[judged])
        return np.concatenate([judged[~doubted], judged[doubted], rest])
