"""The tables of a bundle: the products and users behind the indices, as Arrow IPC files."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from math import inf
from pathlib import Path
from typing import Any

import pyarrow as pa

from service.bundle.catalogue import Catalogue
from service.bundle.errors import BundleInvalidError
from service.bundle.ids import Ids

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
_PIECE = 1024
_NUMBERS = {"price": pa.float64()}  # by column; the others are strings


def write_tables(directory: Path, catalogue: Catalogue, user_ids: Sequence[str]) -> None:
    """Write the catalogue and the users."""
    named = {**_ITEM_COLUMNS, **_OPTIONAL_ITEM_COLUMNS}
    columns = {name: getattr(catalogue, field) for name, field in named.items()}
    kinds = {name: _NUMBERS.get(name, pa.string()) for name in columns}
    present = {n: pa.array(column, kinds[n]) for n, column in columns.items() if column is not None}
    _write(directory / ITEMS, pa.table(present))
    _write(directory / USERS, pa.table({"user_id": Ids.of(user_ids).column}))


def read_tables(directory: Path) -> tuple[Catalogue, Ids]:
    """Read the catalogue, and map the users.

    Raises:
        BundleInvalidError: a file is not an Arrow IPC file, or a column is lacking or of another
            kind.
    """
    try:
        items, users = _lists(_read(directory / ITEMS)), _read(directory / USERS)
        columns: dict[str, Any] = {field: items[name] for name, field in _ITEM_COLUMNS.items()}
        columns |= {field: items.get(name) for name, field in _OPTIONAL_ITEM_COLUMNS.items()}
        return Catalogue(**columns), _ids(users)
    except (pa.ArrowInvalid, KeyError) as error:
        raise BundleInvalidError(directory, f"tables {ITEMS} and {USERS}", error) from error


def check_tables(catalogue: Catalogue, user_ids: Sequence[str]) -> None:
    """Refuse tables that a bundle cannot have.

    Raises:
        BundleInvalidError: an id stands there twice, a column is too short or too long, or a price
            is below 0 or no finite number.
    """
    repeated_items = len(catalogue) - len(set(catalogue.item_ids))
    for name, repeated in ((ITEMS, repeated_items), (USERS, Ids.of(user_ids).repeated)):
        if repeated:
            raise BundleInvalidError(name, "distinct ids", f"{repeated} repeated")
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


def _write(path: Path, table: pa.Table) -> None:
    """Write a table as an Arrow IPC file."""
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table)


def _read(path: Path) -> pa.Table:
    """Map an Arrow IPC file into memory.

    Raises:
        pyarrow.ArrowInvalid: the file is not an Arrow IPC file, or a column is of another kind.
    """
    with pa.memory_map(str(path)) as source:
        table = pa.ipc.open_file(source).read_all()
    for each in table.schema:
        if each.type != (expected := _NUMBERS.get(each.name, pa.string())):
            raise pa.ArrowInvalid(f"{each.name}: expected {expected}, found {each.type}")
    table.validate(full=True)
    return table


def _lists(table: pa.Table) -> dict[str, list[Any]]:
    """Return the columns as lists, by name.

    Equal strings are one object, since thousands of items share a few hundred categories.
    """
    once: dict[Any, Any] = {}
    return {
        name: [once.setdefault(each, each) for each in _values(table.column(name))]
        for name in table.column_names
    }


def _values(column: pa.ChunkedArray) -> Iterator[Any]:
    """Yield values, few of which are there at a time: all at once would leave gaps in memory."""
    for start in range(0, len(column), _PIECE):
        yield from column[start : start + _PIECE].to_pylist()


def _ids(table: pa.Table) -> Ids:
    if "user_id" not in table.column_names:
        raise KeyError("user_id")
    column = table.column("user_id")
    if column.null_count:
        raise pa.ArrowInvalid(f"user_id: expected ids, found none in {column.null_count} rows")
    return Ids(column.chunk(0) if column.num_chunks == 1 else column.combine_chunks())
