"""Coded baskets: all baskets of a shop by the codes of its users and items, in time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from index_builder.transactions.encoded.scratch import scratch
from service.support.arrays.array_types import Bool, Int32, Int64
from service.support.arrays.offsets import offsets

BLOCK_LINES = 1 << 22  # that are in memory at once


@dataclass(frozen=True, eq=False)
class CodedBaskets:
    """Baskets in the order of their begin, and of the basket_id where it is the same.

    Basket b holds the items item_code[indptr[b] : indptr[b + 1]].

    Attributes:
        begun_us: (n_baskets,) int64, microseconds since 1970, UTC; ascending.
        user_code: (n_baskets,) int32; -1 for a guest.
        indptr: (n_baskets + 1,) int64; it need not begin at 0.
        item_code: int32, distinct and ascending within a basket.
    """

    begun_us: Int64
    user_code: Int32
    indptr: Int64
    item_code: Int32

    def __len__(self) -> int:
        """Number of baskets."""
        return len(self.begun_us)

    @property
    def n_lines(self) -> int:
        """Number of items in all baskets."""
        return int(self.indptr[-1] - self.indptr[0])

    @property
    def sizes(self) -> Int64:
        """(n_baskets,) number of items in each basket."""
        return np.diff(self.indptr)

    @property
    def codes(self) -> Int32:
        """(n_lines,) the items of one basket after those of the other."""
        return self.item_code[self.indptr[0] : self.indptr[-1]]

    def between(self, first: int, last: int) -> "CodedBaskets":
        """Baskets first to last - 1, in the same memory."""
        return CodedBaskets(
            self.begun_us[first:last],
            self.user_code[first:last],
            self.indptr[first : last + 1],
            self.item_code,
        )

    def where(self, kept: Bool) -> "CodedBaskets":
        """The baskets at these places, (n_baskets,), in memory of their own."""
        items = scratch(int(self.sizes[kept].sum()), np.int32)
        filled = first = 0
        for some in self.blocks():
            lines = np.repeat(kept[first : first + len(some)], some.sizes)
            codes = some.codes[lines]
            items[filled : filled + len(codes)] = codes
            filled, first = filled + len(codes), first + len(some)
        sizes = offsets(self.sizes[kept])
        return CodedBaskets(self.begun_us[kept], self.user_code[kept], sizes, items)

    def blocks(self) -> Iterator["CodedBaskets"]:
        """Yields ranges of the baskets, some four million lines at a time."""
        first = 0
        while first < len(self):
            end = int(np.searchsorted(self.indptr, self.indptr[first] + BLOCK_LINES, "right")) - 1
            last = min(max(end, first + 1), len(self))
            yield self.between(first, last)
            first = last

    def item_counts(self, n_codes: int) -> Int64:
        """(n_codes,) number of baskets that hold each item."""
        counts = np.zeros(n_codes, np.int64)
        for some in self.blocks():
            counts += np.bincount(some.codes, minlength=n_codes)
        return counts
