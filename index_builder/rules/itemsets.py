"""Frequent itemsets: items that many baskets hold together."""

from dataclasses import dataclass, replace

import numpy as np
from rusket._rusket import fpgrowth_from_csr

from service.support.array_types import Int32, Int64, Positions, UInt32, UInt64


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
    hundred items that are always bought together have 75 million subsets of five. If there are too
    many itemsets of one length, they and all longer ones are left out.

    Args:
        indptr: (n_baskets + 1,) where each basket starts.
        items: distinct item indices of each basket.
        n_items: the item indices are below it.
        min_count: 1 or more.
        max_length: 2 or more.
        most: itemsets of one length above 2; pairs have no limit.
    """
    found = Itemsets(n_items, [], [], [])
    if not len(items):
        return found
    starts, members = indptr.astype(np.int32), items.astype(np.int32)
    for length in range(min(3, max_length), max_length + 1):
        mined = fpgrowth_from_csr(starts, members, n_items, min_count, length)
        longest = int((np.diff(mined[1].astype(np.int64)) == length).sum())
        if length > 2 and longest > most:
            if length == 3:
                mined = fpgrowth_from_csr(starts, members, n_items, min_count, 2)
                found = _by_length(n_items, *mined)
            return replace(found, complete=False)
        found = _by_length(n_items, *mined)
        if not longest:
            break
    return found


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
