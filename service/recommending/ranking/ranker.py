"""The ranker: trees, trained on real baskets, that score candidates by their features.

The features hold what the blended score lacks: the rhythm of a user's purchases, past baskets that
resemble the present one, items that other users buy together, items that sell well of late.
"""

import numpy as np

from service.bundle.bundle import Bundle
from service.recommending.aggregate import PARTS, Part
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.stored_trees import stored_trees
from service.support.arrays.array_types import Float32


class Ranker:
    """The trees of a bundle.

    Attributes:
        masks: what they score by.
    """

    def __init__(self, bundle: Bundle) -> None:
        """Reads the trees of a bundle that has them.

        Raises:
            BundleInvalidError: they use an unknown feature, or have too many leaves.
        """
        self._trees = stored_trees(bundle, "tree", "tree_root", "features", [*FEATURES])
        self.masks = self._trees.masks
        self._parts = np.array([*FEATURES.values(), "popularity"])

    def score(self, features: Float32) -> Float32:
        """The score of every candidate, shape (n,) float32."""
        return self._trees.predict(features)

    def parts(self, features: Float32) -> dict[Part, Float32]:
        """The same score, split into what basket, user and popularity contribute, (n,) each."""
        contributions = self._trees.contributions(features)
        return {part: contributions[:, self._parts == part].sum(axis=1) for part in PARTS}
