"""Several categories of one item: the first is its category, the others lead to it as well."""

import json
from dataclasses import replace

import polars as pl

from index_builder.transactions.errors import LongIdError
from index_builder.transactions.tables import Table
from service.support.validity import ID_CHARS, tidied

MORE = "more_categories"


def with_several_categories(table: Table) -> Table:
    """Keeps the first of an item's categories, and adds a column of the others, if any has some.

    Several are a list of strings, or a string: `Milk|Breakfast`, or `["Milk", "Breakfast"]`.

    Args:
        table: with the column category.

    Returns:
        `more_categories` holds one a line, as the catalogue of a bundle does.

    Raises:
        ColumnTypeError: the column holds neither strings, nor integers, nor lists of strings.
        LongIdError: one of the others is too long for a request.
    """
    if table.frame.schema["category"] == pl.List(pl.String):
        as_json = [
            None if row is None else json.dumps(row) for row in table.frame["category"].to_list()
        ]
        table = replace(
            table, frame=table.frame.with_columns(pl.Series("category", as_json, pl.String))
        )
    table = table.with_strings("category")
    texts = table.frame["category"].unique().drop_nulls()
    several = {text: _parts(text) for text in texts if "|" in text or tidied(text).startswith("[")}
    if not several:
        return table
    category = pl.col("category")
    first = {text: parts[0] for text, parts in several.items()}
    others = {text: "\n".join(parts[1:]) for text, parts in several.items()}
    table = replace(
        table,
        frame=table.frame.with_columns(
            category.replace(first),
            category.replace_strict(others, default="", return_dtype=pl.String).alias(MORE),
        ),
    )
    longest = table.frame[MORE].str.split("\n").list.eval(pl.element().str.len_chars()).list.max()
    table.refuse_where(
        (longest > ID_CHARS).fill_null(value=False),
        LongIdError,
        f"have more than {ID_CHARS} characters in one of several categories",
        "Shorten it: requests cannot name it.",
    )
    return table


def _parts(text: str) -> list[str]:
    """The names in a text, without repetition; an empty one if there is none."""
    names: object = text.split("|")
    if tidied(text).startswith("["):
        try:
            names = json.loads(text)
        except ValueError:
            names = text.split("|")
    parts = [" ".join(str(name).splitlines()) for name in names] if isinstance(names, list) else []
    return list(dict.fromkeys(filter(None, map(tidied, parts)))) or [""]
