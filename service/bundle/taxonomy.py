"""The taxonomy: which items share a department, category or subcategory."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Self

import numpy as np

from service.support.arrays.array_types import Int32


@dataclass(frozen=True, eq=False)
class Level:
    """One column of names, such as the category of every item.

    Attributes:
        names: in the order in which they first appear in the catalogue.
        codes: (n_items,) int32, the position of each item's name in `names`; -1 for none.
    """

    names: list[str]
    codes: Int32

    @classmethod
    def of(cls, column: Sequence[str]) -> Self:
        """Number the names of a column; the empty string is no name."""
        codes = {name: code for code, name in enumerate(dict.fromkeys(filter(None, column)))}
        return cls(list(codes), np.array([codes.get(name, -1) for name in column], np.int32))

    @cached_property
    def members(self) -> dict[str, Int32]:
        """The item indices of each name, ascending."""
        order = np.argsort(self.codes, kind="stable").astype(np.int32)
        starts = np.searchsorted(self.codes[order], np.arange(len(self.names)))
        return dict(zip(self.names, np.split(order, starts)[1:], strict=True))

    def codes_of_all(self) -> Int32:
        """Return `codes` with `len(names)` in place of -1: one more group, of unnamed items."""
        return np.where(self.codes < 0, np.int32(len(self.names)), self.codes)


class Taxonomy(NamedTuple):
    """The three levels of a catalogue."""

    department: Level
    category: Level
    subcategory: Level

    def members(self) -> dict[str, Int32]:
        """Return the item indices of each name, at whichever levels it stands, ascending."""
        members: dict[str, Int32] = {}
        for level in self:
            for name, items in level.members.items():
                members[name] = np.union1d(members[name], items) if name in members else items
        return members
