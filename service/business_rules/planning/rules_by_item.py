"""Which business rules concern an item."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from service.support.arrays.array_types import Int32, Int64
from service.support.arrays.offsets import offsets


class RulesByItem(NamedTuple):
    """The numbers of the rules that concern each item, ascending.

    Attributes:
        indptr: (n_items + 1,) int64; those of item i are `numbers[indptr[i]:indptr[i + 1]]`.
        numbers: int64.
    """

    indptr: Int64
    numbers: Int64

    @classmethod
    def of(cls, members: Sequence[Int32], n_items: int, limit: int) -> Self:
        """The first rules of each item.

        Args:
            members: of each rule, (n,) int32, distinct items.
            n_items: number of items in the catalogue.
            limit: rules of one item; further ones are left out.
        """
        count = np.zeros(n_items, np.int32)
        kept = []
        open_items = n_items
        for own in members:
            new = own[count[own] < limit] if open_items else own[:0]
            count[new] += 1
            open_items -= int(np.count_nonzero(count[new] == limit))
            kept.append(new)
        numbers = np.repeat(np.arange(len(kept)), [len(each) for each in kept])
        order = np.argsort(np.concatenate([np.empty(0, np.int32), *kept]), kind="stable")
        return cls(offsets(count), numbers[order])

    def concerning(self, item: int) -> list[int]:
        """The rules of one item."""
        numbers: list[int] = self.numbers[self.indptr[item] : self.indptr[item + 1]].tolist()
        return numbers
