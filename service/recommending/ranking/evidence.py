"""Evidence: the sums over past and neighbours from which one request's features are made."""

from typing import NamedTuple

import numpy as np

from service.recommending.aggregate import Candidates
from service.recommending.ranking.feature_matrix import POSITIONS, fill
from service.recommending.ranking.features import FEATURES
from service.support.arrays.array_types import Float32, Int32, Int64, Records


class Evidence(NamedTuple):
    """The sums of one request; valid until the table that made them is used again.

    Attributes:
        facts: (n_items,) of FACTS, the same for all requests.
        basket: (b,) int32, the present basket's items.
        row_of: (n_items,) int32, the row of each item in `sums`; 0, which is all zeros, for most.
        recency: (n_items,) float32, the sum `recency_60d` of each item.
        items: (rows,) int32, the item of each row.
        sums: (rows,) of SUMS, over the user's past and the basket's neighbours.
        subcategory_sums: (n_subcategories,) of SUBCATEGORY_SUMS.
        past_sums: (1,) of PAST_SUMS.
        neighbours: offsets, the neighbours of each item, and what each adds to its prediction; the
            same for all requests.
    """

    facts: Records
    basket: Int32
    row_of: Int32
    recency: Float32
    items: Int32
    sums: Records
    subcategory_sums: Records
    past_sums: Records
    neighbours: tuple[Int64, Int32, Float32]

    def features(self, candidates: Candidates) -> Float32:
        """The features, shape (n, len(FEATURES)) float32, columns in the order of FEATURES."""
        matrix = np.empty((len(FEATURES), len(candidates.items)), np.float32)
        fill(
            candidates.items, self.basket,
            (candidates.basket, candidates.user, candidates.popularity),
            self.row_of, self.recency, self.sums, self.subcategory_sums, self.past_sums, self.facts,
            self.neighbours, POSITIONS, matrix,
        )  # fmt: skip
        return matrix.T  # by column in memory, as the trees read it
