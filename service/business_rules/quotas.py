"""Quotas: how many of certain items a list has at least, and at most."""

from collections.abc import Sequence
from typing import NamedTuple, Self

import numpy as np

from service.business_rules.compiling import CompiledRule
from service.business_rules.schema import Maximum, Minimum
from service.business_rules.supply import Supply
from service.support.array_types import Bool, Int32, Int64
from service.support.offsets import offsets

__all__ = ["Quotas"]


class Quotas(NamedTuple):
    """Minima and maxima; of what a list has no room for, the first rules come first.

    Attributes:
        minima, maxima: (rule's number, count).
        members: of each rule, (n,) int32, ascending.
        indptr: (n_items + 1,) int64; the rules that item i counts for are
            `numbers[indptr[i]:indptr[i + 1]]`.
        numbers: int64.
        unlimited: (n_items,) which items no maximum concerns.
    """

    minima: dict[int, int]
    maxima: dict[int, int]
    members: list[Int32]
    indptr: Int64
    numbers: Int64
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
        items = np.concatenate(members)
        numbers = np.repeat(np.arange(len(members)), [len(each) for each in members])
        indptr = offsets(np.bincount(items, minlength=n_items))
        by_item = numbers[np.argsort(items, kind="stable")]
        return cls(minima, maxima, members, indptr, by_item, unlimited)

    def supply(self, supply: Supply, k: int) -> None:
        """Brings the candidates without which the quotas cannot be met in a list of k."""
        room = k
        for number, count in self.minima.items():
            if room <= 0:
                break
            supply.bring(self.members[number], count, self.unlimited)
            supply.bring(self.members[number], count)
            room -= count
        if self.maxima and supply.count(self.unlimited) < k:
            supply.bring(np.flatnonzero(self.unlimited).astype(np.int32), k)
            if supply.count(self.unlimited) < k:
                for number, count in self.maxima.items():
                    supply.bring(self.members[number], min(k, count))

    def choose(self, ordered: Int32, firmly: set[int], k: int) -> set[int]:
        """The k places of an ordered list that are kept.

        Args:
            ordered: (n,) int32, items, best first.
            firmly: places that are kept in any case, k or fewer.
            k: places to keep, n or fewer.
        """
        counts_for = self._counts_for(ordered)
        counts = [0] * len(self.members)
        chosen: set[int] = set()

        def is_open(numbers: list[int]) -> bool:
            return all(counts[number] < self.maxima.get(number, k) for number in numbers)

        def take(place: int) -> None:
            chosen.add(place)
            for number in counts_for.get(place, ()):
                counts[number] += 1

        for place in firmly:
            take(place)
        for number, count in self.minima.items():
            for place, numbers in counts_for.items():
                if counts[number] >= count or len(chosen) == k:
                    break
                if number in numbers and place not in chosen and is_open(numbers):
                    take(place)
        for place in range(len(ordered)):
            if len(chosen) == k:
                break
            if place not in chosen and (place not in counts_for or is_open(counts_for[place])):
                take(place)
        for place in range(len(ordered)):
            if len(chosen) == k:
                break
            chosen.add(place)
        return chosen

    def _counts_for(self, ordered: Int32) -> dict[int, list[int]]:
        """The rules that a place counts for, by place; only places that count for any."""
        starts, stops = self.indptr[ordered], self.indptr[ordered + 1]
        places = np.flatnonzero(stops > starts).tolist()
        return {each: self.numbers[starts[each] : stops[each]].tolist() for each in places}
