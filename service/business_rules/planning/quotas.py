"""Quotas: the least and the greatest number of certain items in a list."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from service.business_rules.compiling import CompiledRule
from service.business_rules.planning.rules_by_item import RulesByItem
from service.business_rules.planning.supply import Supply
from service.business_rules.schema import Maximum, Minimum
from service.support.arrays.array_types import Bool, Int32

_COUNTED_FOR = 100  # rules at most that an item counts for, so that a list takes bounded time


class Quotas(NamedTuple):
    """Minima and maxima, in the order in which they are met if the list has no room for all.

    Attributes:
        minima, maxima: count by the rule's number.
        members: of each rule, (n,) int32, ascending.
        by_item: the rules that each item counts for.
        unlimited: (n_items,) which items have no maximum.
    """

    minima: dict[int, int]
    maxima: dict[int, int]
    members: list[Int32]
    by_item: RulesByItem
    unlimited: Bool

    @classmethod
    def of(cls, rules: Sequence[CompiledRule], n_items: int) -> Self | None:
        """The quotas among the rules, in their order; None if there are none."""
        minima: dict[int, int] = {}
        maxima: dict[int, int] = {}
        members: list[Int32] = []
        unlimited = np.ones(n_items, np.bool_)
        for each in rules:
            if isinstance(each.rule, Minimum):
                minima[len(members)] = each.rule.count
            elif isinstance(each.rule, Maximum):
                maxima[len(members)] = each.rule.count
                unlimited[each.members] = False
            else:
                continue
            members.append(each.members)
        if not members:
            return None
        by_item = RulesByItem.of(members, n_items, _COUNTED_FOR)
        return cls(minima, maxima, members, by_item, unlimited)

    def supply(self, supply: Supply, k: int) -> None:
        """Adds the candidates that a list of k needs to meet the quotas."""
        room = k
        for number, count in self.minima.items():
            if room <= 0:
                break
            supply.add(self.members[number], count, self.unlimited)
            supply.add(self.members[number], count)
            room -= count
        if self.maxima and supply.count(self.unlimited) < k:
            supply.add(np.flatnonzero(self.unlimited).astype(np.int32), k)
            if supply.count(self.unlimited) < k:
                for number, count in self.maxima.items():
                    supply.add(self.members[number], min(k, count))

    def choose(self, ordered: Int32, firmly: set[int], k: int) -> set[int]:
        """The k ranks of an ordered list that are kept.

        Args:
            ordered: (n,) int32, items, best first.
            firmly: ranks that are kept in any case, k or fewer.
            k: number of ranks to keep, n or fewer.
        """
        counts_for = self._counts_for(ordered)
        counts = [0] * len(self.members)
        chosen: set[int] = set()

        def is_open(numbers: list[int]) -> bool:
            return all(counts[number] < self.maxima.get(number, k) for number in numbers)

        def take(rank: int) -> None:
            chosen.add(rank)
            for number in counts_for.get(rank, ()):
                counts[number] += 1

        for rank in firmly:
            take(rank)
        ranks_of: dict[int, list[int]] = {number: [] for number in self.minima}
        for rank, numbers in counts_for.items():
            for number in numbers:
                if number in ranks_of:
                    ranks_of[number].append(rank)
        for number, ranks in ranks_of.items():
            for rank in ranks:
                if counts[number] >= self.minima[number] or len(chosen) == k:
                    break
                if rank not in chosen and is_open(counts_for[rank]):
                    take(rank)
        for rank in range(len(ordered)):
            if len(chosen) == k:
                break
            if rank not in chosen and (rank not in counts_for or is_open(counts_for[rank])):
                take(rank)
        for rank in range(len(ordered)):
            if len(chosen) == k:
                break
            chosen.add(rank)
        return chosen

    def _counts_for(self, ordered: Int32) -> dict[int, list[int]]:
        """The rules that each rank counts for; ranks that count for none are left out."""
        indptr, numbers = self.by_item
        starts, stops = indptr[ordered], indptr[ordered + 1]
        ranks = np.flatnonzero(stops > starts).tolist()
        return {each: numbers[starts[each] : stops[each]].tolist() for each in ranks}
