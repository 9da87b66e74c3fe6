"""The tables of a bundle: the products and users behind the indices, as Arrow IPC files."""

from collections.abc import Mapping, Sequence
from dataclasses import fields
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa

from service.bundle.catalogue import Catalogue
from service.bundle.errors import BundleInvalidError

ITEMS = "items.arrow"
USERS = "users.arrow"
_ITEM_COLUMNS = {
    "item_id": "item_ids",
    "name": "names",
    "department": "departments",
    "category": "categories",
    "subcategory": "subcategories",
}
_OPTIONAL_ITEM_COLUMNS = {
    "brand": "brands",
    "price": "prices",
    "more_categories": "more_categories",
    "group_id": "groups",
}
_NUMBERS = {"price": pa.float64()}  # by column; the others are strings


def write_tables(directory: Path, catalogue: Catalogue, user_ids: list[str]) -> None:
    """Write the catalogue and the users."""
    named = {**_ITEM_COLUMNS, **_OPTIONAL_ITEM_COLUMNS}
    columns = {name: getattr(catalogue, field) for name, field in named.items()}
    present = {name: column for name, column in columns.items() if column is not None}
    _write(directory / ITEMS, present)
    _write(directory / USERS, {"user_id": user_ids})


def read_tables(directory: Path) -> tuple[Catalogue, list[str]]:
    """Read the catalogue and the users.

    Raises:
        BundleInvalidError: a file is not an Arrow IPC file, or a column is lacking or of another
            kind.
    """
    try:
        items, users = _read(directory / ITEMS), _read(directory / USERS)
        columns: dict[str, Any] = {field: items[name] for name, field in _ITEM_COLUMNS.items()}
        columns |= {field: items.get(name) for name, field in _OPTIONAL_ITEM_COLUMNS.items()}
        return Catalogue(**columns), users["user_id"]
    except (pa.ArrowInvalid, KeyError) as error:
        raise BundleInvalidError(directory, f"tables {ITEMS} and {USERS}", error) from error


def check_tables(catalogue: Catalogue, user_ids: list[str]) -> None:
    """Refuse tables that a bundle cannot have.

    Raises:
        BundleInvalidError: an id stands there twice, a column is too short or too long, or a price
            is below 0 or no finite number.
    """
    for name, ids in ((ITEMS, catalogue.item_ids), (USERS, user_ids)):
        if len(set(ids)) != len(ids):
            found = f"{len(ids) - len(set(ids))} repeated"
            raise BundleInvalidError(name, "distinct ids", found)
    for field in fields(catalogue):
        column = getattr(catalogue, field.name)
        if column is not None and len(column) != len(catalogue):
            raise BundleInvalidError(f"{ITEMS}, {field.name}", len(catalogue), len(column))
    for price in catalogue.prices or ():
        if price is not None and not 0 <= price < inf:
            raise BundleInvalidError(f"{ITEMS}, prices", "none below 0", price)


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
            raise BundleInvalidError(ITEMS, expected, f"one of {longest}", remedy)


def _write(path: Path, columns: Mapping[str, Sequence[str | float | None]]) -> None:
    """Write columns of equal length as an Arrow IPC file."""
    kinds = {name: _NUMBERS.get(name, pa.string()) for name in columns}
    table = pa.table({name: pa.array(column, kinds[name]) for name, column in columns.items()})
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read(path: Path) -> dict[str, list[Any]]:
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
