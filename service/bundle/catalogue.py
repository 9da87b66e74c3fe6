"""The catalogue: the product behind every item index."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from service.bundle.taxonomy import Level, Taxonomy
from service.support.arrays.array_types import Int32
from service.support.validity import tidied


@dataclass(frozen=True)
class Catalogue:
    """Columns of equal length; row = item index, the most popular item first.

    An item without a name at a taxonomy level, or without a brand, has the empty string there.
    Brands, prices and groups are None if the shop's data have no such column; products of one group
    are variants of each other. Of an item with several categories, `categories` has the first and
    `more_categories` the others, one a line; it is None if no item has several.
    """

    item_ids: list[str]
    names: list[str]
    departments: list[str]
    categories: list[str]
    subcategories: list[str]
    brands: list[str] | None = None
    prices: list[float | None] | None = None
    more_categories: list[str] | None = None
    groups: list[str] | None = None

    def __len__(self) -> int:
        return len(self.item_ids)

    @cached_property
    def index(self) -> dict[str, int]:
        """Item index by item id."""
        return {item_id: row for row, item_id in enumerate(self.item_ids)}

    @cached_property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy of the items."""
        columns = (self.departments, self.categories, self.subcategories)
        return Taxonomy(*map(Level.of, columns))

    @cached_property
    def members(self) -> dict[str, Int32]:
        """The item indices of each name of the taxonomy, of any level, ascending.

        An item is under all of its categories.
        """
        members = self.taxonomy.members()
        further: dict[str, list[int]] = {}
        for item, names in enumerate(self.more_categories or ()):
            for name in filter(None, names.split("\n")):
                further.setdefault(name, []).append(item)
        for name, items in further.items():
            more = np.array(items, np.int32)
            members[name] = np.union1d(members[name], more) if name in members else more
        return members

    def row(self, item_id: str) -> int | None:
        """Return an item's index; spaces around its id do not belong to it."""
        row = self.index.get(item_id)
        return self.index.get(tidied(item_id)) if row is None else row

    def look_up(self, item_ids: Iterable[str]) -> tuple[Int32, list[str]]:
        """Return the distinct item indices, ascending, and the unknown ids in the given order."""
        given = [*item_ids]
        rows, unknown = set(map(self.index.get, given)), list[str]()
        if None in rows:
            row_of = {item_id: self.row(item_id) for item_id in given}
            unknown = [item_id for item_id, row in row_of.items() if row is None]
            rows = {*row_of.values()} - {None}
        known = np.fromiter(rows, np.int32, len(rows))
        known.sort()
        return known, unknown

    def look_up_categories(self, names: Iterable[str]) -> tuple[list[Int32], list[str]]:
        """Return the items of each known name, of any level, and the unknown names once each."""
        members = {name: self.members.get(name) for name in names}
        for name in [each for each, items in members.items() if items is None]:
            members[name] = self.members.get(tidied(name))
        known = [items for items in members.values() if items is not None]
        return known, [name for name, items in members.items() if items is None]
