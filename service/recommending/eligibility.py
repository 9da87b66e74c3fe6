"""The assortment: which items may be recommended, and where in the taxonomy they stand."""

from collections.abc import Sequence

import numpy as np

from service.bundle.catalogue import Catalogue
from service.support.array_types import Bool, Int32

__all__ = ["Assortment"]


class Assortment:
    """The catalogue's taxonomy by item index.

    Attributes:
        category_codes: (n_items,) int32, equal for items of one category; -1 for none.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self.category_codes = catalogue.taxonomy.category.codes
        self._everything = np.ones(len(catalogue), np.bool_)

    def eligible(
        self,
        basket: Sequence[int] | Int32,
        items: Sequence[str],
        categories: Sequence[str],
        allowed: Bool | None = None,
    ) -> Bool:
        """Which items may be recommended now, shape (n_items,).

        Args:
            basket: item indices that the shopper has already.
            items: item ids to leave out; unknown ones leave nothing out.
            categories: names to leave out, of whichever taxonomy level.
            allowed: (n_items,) what the business rules leave; None for everything.
        """
        eligible = (self._everything if allowed is None else allowed).copy()
        eligible[np.asarray(basket, np.int32)] = False
        for item in items:
            if (index := self._catalogue.index.get(item)) is not None:
                eligible[index] = False
        for name in categories:
            eligible[self._catalogue.taxonomy.members(name)] = False
        return eligible
