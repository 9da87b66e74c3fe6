"""Vectors of new items, which no basket teaches: the means over the items that are most like them.

Alike are items of one subcategory and brand; where none is known, those of one subcategory, of one
category, of one department, and at last all.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl

from index_builder.embeddings.embeddings import Embeddings
from service.support.arrays.array_types import Bool, Float32, Int64

_ALIKE: Sequence[tuple[str, ...]] = (
    ("subcategory", "brand"),
    ("subcategory",),
    ("category",),
    ("department",),
    (),
)


def with_new_vectors(embeddings: Embeddings, items: pl.DataFrame) -> Embeddings:
    """Adds the vectors of new items behind those of the trained ones.

    Args:
        embeddings: of the first rows of `items`.
        items: one row per item index: taxonomy, and brand if there are any.
    """
    return replace(
        embeddings,
        item_p=_lengthened(embeddings.item_p, items),
        item_q=_lengthened(embeddings.item_q, items),
    )


def _lengthened(table: Float32, items: pl.DataFrame) -> Float32:
    """The table, (n_known, d), and a row for each further item, (n_items, d)."""
    n_known, dimension = table.shape
    rows = np.zeros((items.height, dimension), np.float32)
    rows[:n_known] = table
    missing = np.arange(items.height) >= n_known
    for columns in _ALIKE:
        if not missing.any():
            break
        if not set(columns) <= set(items.columns):
            continue
        codes, named = _codes(items, columns)
        known = np.flatnonzero(named[:n_known])
        counts = np.bincount(codes[known], minlength=items.height)
        sums = np.zeros((items.height, dimension))
        np.add.at(sums, codes[known], table[known])
        found = missing & named & (counts[codes] > 0)
        rows[found] = sums[codes[found]] / counts[codes[found], None]
        missing &= ~found
    return rows


def _codes(items: pl.DataFrame, columns: Sequence[str]) -> tuple[Int64, Bool]:
    """A number for each item, equal where all columns are, and which items have all of them."""
    if not columns:
        return np.zeros(items.height, np.int64), np.ones(items.height, np.bool_)
    codes = items.select(pl.struct(columns).rank("dense").cast(pl.Int64) - 1).to_series()
    named = items.select(pl.all_horizontal(pl.col(columns) != "")).to_series()
    return codes.to_numpy(), named.to_numpy()
