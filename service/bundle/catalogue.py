"""The catalogue: the product behind every item index."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from service.bundle.errors import BundleInvalidError
from service.bundle.taxonomy import Level, Taxonomy
from service.support.arrays.array_types import Int32
from service.support.validity import tidied

_NUMBERS = {"price": pa.float64()}  # by column; the others are strings


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
        index = self.index
        rows = {item_id: index.get(item_id) for item_id in item_ids}
        for item_id in [each for each, row in rows.items() if row is None]:
            rows[item_id] = index.get(tidied(item_id))
        known = sorted({row for row in rows.values() if row is not None})
        return np.array(known, np.int32), [each for each, row in rows.items() if row is None]

    def look_up_categories(self, names: Iterable[str]) -> tuple[list[Int32], list[str]]:
        """Return the items of each known name, of any level, and the unknown names once each."""
        members = {name: self.members.get(name) for name in names}
        for name in [each for each, items in members.items() if items is None]:
            members[name] = self.members.get(tidied(name))
        known = [items for items in members.values() if items is not None]
        return known, [name for name, items in members.items() if items is None]


def check_lengths(catalogue: Catalogue, limit_chars: int) -> None:
    """Check that requests with this limit can repeat every id and category.

    Raises:
        BundleInvalidError: one of them is longer.
    """
    for kind, names in (("item id", catalogue.item_ids), ("category", catalogue.members)):
        longest = max(map(len, names), default=0)
        if longest > limit_chars:
            expected = f"no {kind} of more than {limit_chars} characters, as in a request"
            remedy = f"Set RTT2VEC_ID_LIMIT_CHARS to {longest}, or build a new bundle."
            raise BundleInvalidError("items.arrow", expected, f"one of {longest}", remedy)


def write_table(path: Path, columns: Mapping[str, Sequence[str | float | None]]) -> None:
    """Write columns of equal length as an Arrow IPC file."""
    kinds = {name: _NUMBERS.get(name, pa.string()) for name in columns}
    table = pa.table({name: pa.array(column, kinds[name]) for name, column in columns.items()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def read_table(path: Path) -> dict[str, list[Any]]:
    """Read the columns of an Arrow IPC file, by name, through a memory map.

    Equal strings are one object, since thousands of items share a few hundred categories.

    Raises:
        pyarrow.ArrowInvalid: the file is not an Arrow IPC file, or a column is of another kind.
    """
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
        once: dict[Any, Any] = {}
        for each in table.schema:
            if each.type != (expected := _NUMBERS.get(each.name, pa.string())):
                raise pa.ArrowInvalid(f"{each.name}: expected {expected}, found {each.type}")
        return {
            name: [once.setdefault(each, each) for each in table.column(name).to_pylist()]
            for name in table.column_names
        }
