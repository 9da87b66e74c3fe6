"""Catalogue coverage: the share of the catalogue that a method ever recommends."""

from dataclasses import dataclass
from math import ceil
from typing import Self

import numpy as np

from service.support.arrays.array_types import Int32

BEST_SELLERS = 0.01
"""Share of the catalogue that counts as best sellers."""


@dataclass(frozen=True)
class Coverage:
    """Shares over all recommendations of a method.

    Attributes:
        coverage: share of the catalogue that was recommended at least once.
        popularity_share: share of the recommendations that are among the 1 % most bought items.
    """

    coverage: float
    popularity_share: float

    @classmethod
    def of(cls, ranked: Int32, n_items: int) -> Self:
        """Counts (n, K) item indices, which are in order of popularity; -1 is no item."""
        items = ranked[ranked >= 0]
        if not len(items):
            return cls(0.0, 0.0)
        best_sellers = ceil(BEST_SELLERS * n_items)
        return cls(len(np.unique(items)) / n_items, float((items < best_sellers).mean()))
