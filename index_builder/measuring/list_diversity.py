"""The diversity within a list of recommendations."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from service.bundle.bundle import Bundle
from service.recommending.postprocess.diversity import inverse_norms
from service.support.arrays.array_types import Float32, Int32


@dataclass(frozen=True)
class ListDiversity:
    """Means over lists.

    Attributes:
        distance: intra-list distance, 1 - cosine of [p_i ; q_i], averaged over the pairs of a list
            (Ziegler et al., WWW 2005); 0 for a list of one.
        categories: distinct categories in a list.
        subcategories: distinct subcategories.
    """

    distance: float
    categories: float
    subcategories: float

    @classmethod
    def of(cls, ranked: Int32, bundle: Bundle) -> Self:
        """Averages over the lists, (n, K) item indices; -1 is no item."""
        unit = bundle.item_vectors[:, :-1] * inverse_norms(bundle.item_vectors)[:, None]
        lists = [row[row >= 0] for row in ranked]
        catalogue = bundle.catalogue
        return cls(
            float(np.mean([_distance(unit[items]) for items in lists])),
            float(np.mean([_distinct(catalogue.categories, items) for items in lists])),
            float(np.mean([_distinct(catalogue.subcategories, items) for items in lists])),
        )


def _distance(unit: Float32) -> float:
    n = len(unit)
    if n < 2:
        return 0.0
    total = unit.sum(axis=0)  # its square is the sum of all cosines, those with itself among them
    alike = total @ total - (unit * unit).sum()
    return float(1 - alike / (n * (n - 1)))


def _distinct(names: Sequence[str], items: Int32) -> int:
    return len({names[item] for item in items})
