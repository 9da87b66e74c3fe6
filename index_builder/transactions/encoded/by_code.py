"""From codes to indices: baskets of all items become baskets of a catalogue's, of some users."""

from typing import NamedTuple

import numpy as np
import polars as pl

from index_builder.transactions.encoded.coded_baskets import CodedBaskets
from index_builder.transactions.encoded.scratch import scratch
from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets

_INDEX = (1 << 32) - 1


class Indices(NamedTuple):
    """The index of each code; -1 leaves out.

    Attributes:
        item: (n_item_codes,) int32.
        user: (n_user_codes + 1,) int32; the last is that of guests.
    """

    item: Int32
    user: Int32


class Mapped(NamedTuple):
    """Baskets of a catalogue's items, without those that are empty or of a user who is left out.

    Attributes:
        indptr: (n_baskets + 1,) int64, where each basket starts.
        items: item indices, distinct and ascending within a basket.
        user: (n_baskets,) int32.
        begun: (n_baskets,) int64, seconds since 1970, UTC.
        of_users: number of baskets of these users, the empty ones too.
        lines_of_users: number of their items, whether in the catalogue or not.
    """

    indptr: Int64
    items: Int32
    user: Int32
    begun: Int64
    of_users: int
    lines_of_users: int


def mapped(baskets: CodedBaskets, indices: Indices) -> Mapped:
    """Replaces codes by indices, a range of baskets at a time."""
    sizes, user = scratch(len(baskets), np.int64), scratch(len(baskets), np.int32)
    begun, items = scratch(len(baskets), np.int64), scratch(baskets.n_lines, np.int32)
    n_baskets = n_items = of_users = lines_of_users = 0
    for some in baskets.blocks():
        index = indices.user[some.user_code]
        known = index >= 0
        of_users += int(known.sum())
        lines_of_users += int(some.sizes[known].sum())
        basket = np.repeat(np.arange(len(some)), some.sizes)
        item = indices.item[some.codes]
        kept = (item >= 0) & known[basket]
        # Within a basket the items are in the order of their codes; indices have another.
        keys = basket[kept] << 32 | item[kept]
        keys.sort()
        size = np.bincount(basket[kept], minlength=len(some))
        filled = np.flatnonzero(size)
        place = slice(n_baskets, n_baskets + len(filled))
        sizes[place], user[place] = size[filled], index[filled]
        begun[place] = some.begun_us[filled] // 1_000_000
        items[n_items : n_items + len(keys)] = keys & _INDEX
        n_baskets, n_items = place.stop, n_items + len(keys)
    return Mapped(
        offsets(sizes[:n_baskets]),
        items[:n_items],
        user[:n_baskets],
        begun[:n_baskets],
        of_users,
        lines_of_users,
    )


def index_by_code(ids: pl.Series, known: pl.Series, indices: Int32) -> Int32:
    """The index of each code, or -1.

    Args:
        ids: by code.
        known: some ids, distinct; others than those of codes, too.
        indices: theirs.
    """
    codes = pl.DataFrame({"id": ids}).join(
        pl.DataFrame({"id": known, "index": indices}), on="id", how="left", maintain_order="left"
    )
    return codes["index"].fill_null(-1).to_numpy(writable=True)
