"""Frequent itemsets: items that many baskets hold together."""

from dataclasses import dataclass, replace

import numpy as np
from rusket._rusket import fpgrowth_from_csr

from index_builder.transactions.encoded.basket_matrix import (
    basket_matrix,
    co_purchase_blocks,
    item_counts,
)
from service.support.arrays.array_types import Int32, Int64, Positions, UInt32, UInt64
from service.support.arrays.offsets import offsets

_MOST_MINED = 6_000_000  # itemsets at once; each takes some 80 bytes
_MOST_LINES = np.iinfo(np.int32).max  # that rusket can number; of more, pairs alone are found
_BLOCK_CELLS = 10_000_000  # of the matrix of pairs; a cell takes up to 12 bytes


@dataclass(frozen=True, eq=False)
class Itemsets:
    """All frequent itemsets, by their length.

    Attributes:
        n_items: item indices are below it.
        items: of length 1, 2, …: (n, length) int32, ascending within a row; the rows are in
            lexicographic order.
        count: of length 1, 2, …: (n,) int64, number of baskets that hold the itemset.
        keys: of length 1, 2, …: (n,) int64, ascending: the position of the itemset without its
            last item, times n_items, plus that item.
        complete: False if long itemsets were left out because they were too many.
    """

    n_items: int
    items: list[Int32]
    count: list[Int64]
    keys: list[Int64]
    complete: bool = True

    def places(self, itemsets: Int32) -> Positions:
        """The positions of frequent itemsets of one length, (n, length) int32, in `items`.

        Every part of a frequent itemset is frequent, so that a position can be found item by item.
        """
        place = np.zeros(len(itemsets), np.intp)
        for keys, item in zip(self.keys, itemsets.T, strict=False):
            place = np.searchsorted(keys, place * self.n_items + item)
        return place


def frequent_itemsets(
    indptr: Int64,
    items: Int32,
    n_items: int,
    min_count: int,
    max_length: int,
    most: int,
) -> Itemsets:
    """Finds the itemsets of `max_length` items or fewer in `min_count` baskets or more.

    Runs a compiled FP-growth (Han, Pei and Yin, SIGMOD 2000) for one length after the other: a
    hundred items that are always bought together have 75 million subsets of five, and a thousand
    have half a million pairs. Before each length it finds out how many itemsets there can be. If
    there may be more than memory should hold, or if there are more than `most`, they and all longer
    ones are left out.

    Args:
        indptr: (n_baskets + 1,) where each basket starts.
        items: distinct item indices of each basket.
        n_items: the item indices are below it.
        min_count: 1 or more.
        max_length: 2 or more.
        most: itemsets of one length above 2; twice as many pairs.
    """
    count = item_counts(items, n_items)
    frequent = (count >= min_count)[items]
    starts = offsets(frequent)[indptr]
    members = items[frequent].astype(np.int32, copy=False)
    singles = _singles(n_items, count, min_count)
    if not len(members):
        return singles
    found = _with_pairs(singles, starts, members, min_count, 2 * most)
    if found is None:
        return replace(singles, complete=False)
    for length in range(3, max_length + 1):
        if len(found.items) < length - 1:
            break
        if len(members) > _MOST_LINES or _most_unions(found.items[-1]) > _MOST_MINED:
            return replace(found, complete=False)
        mined = fpgrowth_from_csr(starts.astype(np.int32), members, n_items, min_count, length)
        longest = int((np.diff(mined[1].astype(np.int64)) == length).sum())
        if longest > most:
            return replace(found, complete=False)
        found = _by_length(n_items, *mined) if longest else found
    return found


def _singles(n_items: int, count: Int64, min_count: int) -> Itemsets:
    items = np.flatnonzero(count >= min_count)
    return Itemsets(n_items, [items.astype(np.int32)[:, None]], [count[items]], [items])


def _with_pairs(
    singles: Itemsets, starts: Int64, members: Int32, min_count: int, most: int
) -> Itemsets | None:
    """Adds the pairs, counted some rows of their matrix at a time; None if they are too many."""
    n_items = singles.n_items
    baskets = basket_matrix(starts, members, n_items)
    found, places = [], 0
    for block, together in co_purchase_blocks(baskets, max(1, _BLOCK_CELLS // n_items)):
        rows = np.repeat(np.arange(n_items, dtype=np.int32)[block], np.diff(together.indptr))
        frequent = (together.data >= min_count) & (together.indices != rows)
        places += int(frequent.sum())  # two of each pair
        if places > 2 * most:
            return None
        ascending = frequent & (rows < together.indices)
        pairs = np.column_stack([rows[ascending], together.indices[ascending]])
        found.append((pairs.astype(np.int32), together.data[ascending].astype(np.int64)))
    pairs, count = (np.concatenate(each) for each in zip(*found, strict=True))
    if not len(pairs):
        return singles
    keys = singles.places(pairs[:, :1]) * n_items + pairs[:, 1]
    return Itemsets(
        n_items, [*singles.items, pairs], [*singles.count, count], [*singles.keys, keys]
    )


def _most_unions(itemsets: Int32) -> int:
    """How many itemsets there can be that are longer by one item, (n, length) int32.

    Without its first or its second item, such an itemset is frequent, too. So it is the union of
    two that have all items in common but the first. There are few of these, since low item
    indices are often bought: most items are bought with few that are bought more often.
    """
    order = np.lexsort(itemsets.T[1:])
    rest = itemsets[order, 1:]
    begins = np.flatnonzero(np.r_[True, (rest[1:] != rest[:-1]).any(axis=1), True])
    sizes = np.diff(begins)
    return int((sizes * (sizes - 1) // 2).sum())


def _by_length(n_items: int, count: UInt64, start: UInt32, flat: UInt32) -> Itemsets:
    """Sorts itemsets: itemset i is `flat[start[i]:start[i + 1]]`, in `count[i]` baskets."""
    found = Itemsets(n_items, [], [], [])
    begins = start.astype(np.int64)
    lengths = np.diff(begins)
    for length in range(1, lengths.max(initial=0) + 1):
        rows = np.flatnonzero(lengths == length)
        members = np.sort(flat[begins[rows, None] + np.arange(length)].astype(np.int32), axis=1)
        order = np.lexsort(members.T[::-1])
        members = members[order]
        found.keys.append(found.places(members[:, :-1]) * n_items + members[:, -1])
        found.items.append(members)
        found.count.append(count[rows[order]].astype(np.int64))
    return found
