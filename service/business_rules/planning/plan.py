"""A plan: the business rules of one store at one moment, as arrays over the catalogue.

Precedence:

1. Availability, `exclude`, the basket and the exclusions of the request always hold, and so does
   `exclude_purchased` unless the request says otherwise.
2. `pin`. Pins of the same place are tried by priority, then in the order of the file. A pin whose
   eligible items are all in the list already leaves its place to the next pin.
3. `maximum`, then `minimum`: the items of a minimum are chosen within the maxima. Pinned items
   count for both. If the list has no room for all minima, priority decides, then the order of the
   file.
4. `boost` and `bury` multiply.

Only the first is guaranteed. The others yield if the list would become shorter than k. Of pins,
minima and maxima, 1,000 are in force at once, and an item counts for 100 minima and maxima: the
first ones by priority, then by the order of the file.
"""

from collections.abc import Sequence
from itertools import islice
from math import log
from typing import NamedTuple, Self

import numpy as np

from service.business_rules.compiling import CompiledRule
from service.business_rules.planning.arranged import Arranged
from service.business_rules.planning.quotas import Quotas
from service.business_rules.planning.supply import Supply
from service.business_rules.planning.touching import Touching
from service.business_rules.schema import (
    Boost,
    Bury,
    Exclude,
    ExcludePurchased,
    Maximum,
    Minimum,
    Pin,
)
from service.support.arrays.array_types import Bool, Float32, Int32, Positions

_ARRANGING = 1_000


class Plan(NamedTuple):
    """The business rules in force.

    Attributes:
        touching: the rules that concern an item.
        allowed: (n_items,) which items may be recommended; None for all.
        purchased_days: (n_items,) float32, the days for which an item is left out after its
            purchase: 0 for none, infinity for ever; None without such rules.
        log_factors: (n_items,) float32, added to the scores; None for nothing.
        pins: by place, then by priority and order.
        quotas: minima and maxima; None without any.
    """

    touching: Touching
    allowed: Bool | None
    purchased_days: Float32 | None
    log_factors: Float32 | None
    pins: dict[int, list[CompiledRule]]
    quotas: Quotas | None

    @classmethod
    def of(cls, rules: Sequence[CompiledRule], n_items: int) -> Self:
        """The plan of these rules."""
        rules = _bounded([each for each in rules if len(each.members)])
        by_priority = sorted(rules, key=lambda each: -each.rule.priority)
        pins: dict[int, list[CompiledRule]] = {}
        for each in by_priority:
            if isinstance(each.rule, Pin):
                pins.setdefault(each.rule.place, []).append(each)
        return cls(
            Touching(rules, n_items),
            _allowed(rules, n_items),
            _purchased_days(rules, n_items),
            _log_factors(rules, n_items),
            dict(sorted(pins.items())),
            Quotas.of(by_priority, n_items),
        )

    @property
    def arranges(self) -> bool:
        """Whether a rule concerns the list as a whole: a pin, a minimum or a maximum."""
        return bool(self.pins) or self.quotas is not None

    def supply(self, items: Int32, eligible: Bool, k: int) -> Int32:
        """Adds candidates that pins, minima and maxima need, the most popular first.

        Args:
            items: (n,) int32, distinct eligible candidates, ascending.
            eligible: (n_items,) which items may be recommended; item 0 is the most popular.
            k: recommendations wanted.

        Returns:
            The candidates and the added ones, ascending.
        """
        if not self.arranges:
            return items
        supply = Supply(items, eligible)
        places = [place for place in self.pins if place <= k]
        for place in places:
            for pin in self.pins[place]:
                if eligible[pin.members].any():
                    supply.add(pin.members, len(places))
                    break
        if self.quotas is not None:
            self.quotas.supply(supply, k)
        return supply.items()

    def pinnable(self, items: Int32, k: int) -> Bool | None:
        """Which of the items a pin within the first k places asks for, (n,); None without pins."""
        pins = [pin for place, each in self.pins.items() if place <= k for pin in each]
        if not pins:
            return None
        marks = np.zeros(len(items), np.bool_)
        for pin in pins:
            marks |= _covered(items, pin.members)
        return marks

    def arrange(self, items: Int32, ranked: Positions, k: int) -> Arranged:
        """Chooses and orders k of the candidates.

        Args:
            items: (n,) int32, the candidates, ascending.
            ranked: (n,) indices into `items`, best first.
            k: recommendations wanted.
        """
        if not self.arranges:
            return Arranged(ranked[:k], {})
        ordered = items[ranked]
        k = min(k, len(ordered))
        pinned = self._pinned(ordered, k)
        firmly = {rank for rank, _ in pinned.values()}
        if self.quotas is None:
            others = (rank for rank in range(len(ordered)) if rank not in firmly)
            chosen = firmly.union(islice(others, k - len(firmly)))
        else:
            chosen = self.quotas.choose(ordered, firmly, k)
        rest = iter(sorted(chosen - firmly))
        order = [pinned[p][0] if p in pinned else next(rest) for p in range(1, k + 1)]
        names = {int(ranked[rank]): pin.rule.name for rank, pin in pinned.values()}
        return Arranged(ranked[np.array(order, np.intp)], names)

    def touched(self, item: int, pinned_by: str | None = None) -> list[str]:
        """The names of the rules that concern an item, as in `Touching.names`."""
        return self.touching.names(item, pinned_by)

    def _pinned(self, ordered: Int32, k: int) -> dict[int, tuple[int, CompiledRule]]:
        """The rank of the pinned item and its pin, by place."""
        pinned: dict[int, tuple[int, CompiledRule]] = {}
        free = np.ones(len(ordered), np.bool_)
        for place, pins in self.pins.items():
            if place > k:
                break
            for pin in pins:
                ranks = _covered(ordered, pin.members) & free
                if ranks.any():
                    rank = int(ranks.argmax())
                    free[rank] = False
                    pinned[place] = rank, pin
                    break
        return pinned


def _bounded(rules: list[CompiledRule]) -> list[CompiledRule]:
    """The rules without those that would make every list take too long."""
    arranging = [each for each in rules if isinstance(each.rule, Pin | Minimum | Maximum)]
    arranging.sort(key=lambda each: -each.rule.priority)
    left_out = {each.rule.name for each in arranging[_ARRANGING:]}
    return [each for each in rules if each.rule.name not in left_out] if left_out else rules


def _allowed(rules: Sequence[CompiledRule], n_items: int) -> Bool | None:
    excluded = [each.members for each in rules if isinstance(each.rule, Exclude)]
    if not excluded:
        return None
    allowed = np.ones(n_items, np.bool_)
    for members in excluded:  # not all at once: together they may be much larger than a catalogue
        allowed[members] = False
    return allowed


def _purchased_days(rules: Sequence[CompiledRule], n_items: int) -> Float32 | None:
    """The longest time of all rules that concern an item."""
    days = np.zeros(n_items, np.float32)
    for each in rules:
        if isinstance(each.rule, ExcludePurchased):
            longest = np.inf if each.rule.days is None else each.rule.days
            days[each.members] = np.maximum(days[each.members], longest)
    return days if days.any() else None


def _log_factors(rules: Sequence[CompiledRule], n_items: int) -> Float32 | None:
    """The sums of the logarithms, added in an order that does not depend on the file's."""
    factors = [
        (each.rule.factor, each.members) for each in rules if isinstance(each.rule, Boost | Bury)
    ]
    if not factors:
        return None
    factors.sort(key=lambda each: each[0])
    total = np.zeros(n_items)
    for factor, members in factors:
        total[members] += log(factor)
    return total.astype(np.float32)


def _covered(items: Int32, members: Int32) -> Bool:
    """Which of the items are members; members ascend, and there is at least one."""
    marks: Bool = members.take(members.searchsorted(items), mode="clip") == items
    return marks
