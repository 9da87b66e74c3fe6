"""Evidence: the sums over past and neighbours from which one request's features are made."""

from typing import NamedTuple

import numpy as np

from service.recommending.aggregate import Candidates
from service.recommending.ranking.feature_matrix import POSITIONS, fill
from service.recommending.ranking.features import FEATURES
from service.recommending.ranking.purchase_sums import candidate_keys
from service.support.arrays.array_types import Bool, Float32, Int32, Records
from service.support.arrays.rank_keys import best_keys, indices_of


class Evidence(NamedTuple):
    """The sums of one request; valid until the table that made them is used again.

    Attributes:
        facts: (n_items,) of FACTS, the same for all requests.
        basket: (b,) int32, the present basket's items.
        row_of: (n_items,) int32, the row of each item in `sums`; 0, which is all zeros, for most.
        items: (rows,) int32, the item of each row.
        sums: (rows,) of SUMS, over the user's past and the basket's neighbours.
        subcategory_sums: (n_subcategories,) of SUBCATEGORY_SUMS.
        past_sums: (1,) of PAST_SUMS.
        weighted: whether neighbours have weights, which bundles from before these lack.
    """

    facts: Records
    basket: Int32
    row_of: Int32
    items: Int32
    sums: Records
    subcategory_sums: Records
    past_sums: Records
    weighted: bool

    def candidates(self, eligible: Bool, blended: int, neighbours: int) -> Int32:
        """The best items by past and neighbours, (n,) int32, in any order, some of them twice.

        Args:
            eligible: (n_items,) which items may be recommended.
            blended: number of items to take by neighbours and recency together.
            neighbours: number of items to take by neighbours alone.
        """
        either, near = candidate_keys(eligible, self.items, self.sums, self.weighted)
        keys = np.concatenate([best_keys(either, blended), best_keys(near, neighbours)])
        return indices_of(keys).astype(np.int32)

    def features(self, candidates: Candidates) -> Float32:
        """The features, shape (n, len(FEATURES)) float32, columns in the order of FEATURES."""
        matrix = np.empty((len(FEATURES), len(candidates.items)), np.float32)
        fill(
            candidates.items, self.basket,
            (candidates.basket, candidates.user, candidates.popularity),
            self.row_of, self.sums, self.subcategory_sums, self.past_sums, self.facts,
            POSITIONS, matrix,
        )  # fmt: skip
        return matrix.T  # by column in memory, as the trees read it
