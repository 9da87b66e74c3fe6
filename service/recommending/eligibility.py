"""The assortment: which items may be recommended, and where in the taxonomy they stand."""

from collections.abc import Sequence

import numpy as np

from service.bundle.catalogue import Catalogue
from service.support.array_types import Bool, Int32

__all__ = ["Assortment", "members_by_name"]


_NOTHING = np.empty(0, np.int32)


class Assortment:
    """The catalogue's taxonomy by item index.

    Attributes:
        category_codes: (n_items,) int32, equal for items of one category; -1 for none.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        columns = (catalogue.departments, catalogue.categories, catalogue.subcategories)
        self._levels = [members_by_name(column) for column in columns]
        self.category_codes = np.full(len(catalogue), -1, np.int32)
        for code, members in enumerate(self._levels[1].values()):
            self.category_codes[members] = code
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
            eligible[self.members(name)] = False
        return eligible

    def members(self, name: str) -> Int32:
        """The item indices of a category, of whichever taxonomy level; empty if it is unknown."""
        found = [level[name] for level in self._levels if name in level]
        return np.unique(np.concatenate(found)) if found else _NOTHING

    def names(self) -> list[str]:
        """All names of all taxonomy levels."""
        return [name for level in self._levels for name in level]


def members_by_name(names: Sequence[str]) -> dict[str, Int32]:
    """Item indices by name, ascending; a name that was left empty has no members."""
    members: dict[str, list[int]] = {}
    for item, name in enumerate(names):
        if name:
            members.setdefault(name, []).append(item)
    return {name: np.array(items, np.int32) for name, items in members.items()}
