"""The ranker: features of every candidate, scored by trees that learned from real baskets.

It knows what the blended score cannot: the rhythm of a shopper's purchases, baskets of theirs
that were like this one, what other shoppers buy together, what sells lately. It brings candidates
of its own from the shopper's past and from the neighbours of the basket's items.
"""

import numpy as np

from service.bundle.bundle import Bundle
from service.recommending.aggregate import PARTS, Part
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.stored_trees import stored_trees
from service.support.array_types import Float32

__all__ = ["Ranker"]


class Ranker:
    """The trees of a bundle."""

    def __init__(self, bundle: Bundle) -> None:
        """Reads the trees; the bundle must hold them.

        Raises:
            BundleInvalidError: they use a feature that is not among FEATURES, or are too large.
        """
        self._trees = stored_trees(bundle, "tree", "tree_root", "features", [*FEATURES])
        self._parts = np.array([*FEATURES.values(), "popularity"])

    def score(self, features: Float32) -> Float32:
        """The score of every candidate, shape (n,) float32."""
        return self._trees.predict(features)

    def parts(self, features: Float32) -> dict[Part, Float32]:
        """The same score, split into what basket, user and popularity did to it."""
        contributions = self._trees.contributions(features)
        return {part: contributions[:, self._parts == part].sum(axis=1) for part in PARTS}
