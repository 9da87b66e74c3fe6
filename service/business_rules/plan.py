"""A plan: the rules of one store at one moment, as arrays over the catalogue.

What wins where rules meet:

1. Availability, `exclude`, the basket and the exclusions of the request always hold.
2. `pin` comes next. Of pins of one place, the one of higher priority is tried first, then the one
   that stands first in the file; a pin without an eligible item that is not yet in the list
   leaves its place to the next.
3. `maximum`, then `minimum`: what has to be there is chosen within what may be there. Pinned
   items count for both. Among minima that the list has no room for, priority decides, then the
   order of the file.
4. `boost` and `bury` multiply.

Only the first of these is a promise. The others are wishes: they give way before the list becomes
shorter than k.
"""

from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple, Self

import numpy as np

from service.business_rules.arranged import Arranged
from service.business_rules.compiling import CompiledRule
from service.business_rules.quotas import Quotas
from service.business_rules.schema import Boost, Bury, Exclude, Pin
from service.business_rules.supply import Supply
from service.support.array_types import Bool, Float32, Int32, Positions

__all__ = ["Plan"]


class Plan(NamedTuple):
    """The rules that are in force.

    Attributes:
        rules: all of them, in the order of the file.
        allowed: (n_items,) what may be recommended; None for everything.
        log_factors: (n_items,) float32, what scores grow by; None for nothing.
        pins: by place, then by priority and order.
        quotas: minima and maxima; None without any.
    """

    rules: tuple[CompiledRule, ...]
    allowed: Bool | None
    log_factors: Float32 | None
    pins: dict[int, list[CompiledRule]]
    quotas: Quotas | None

    @classmethod
    def of(cls, rules: Sequence[CompiledRule], n_items: int) -> Self:
        """The plan of rules that are all in force."""
        rules = [each for each in rules if len(each.members)]
        by_priority = sorted(rules, key=lambda each: -each.rule.priority)
        pins: dict[int, list[CompiledRule]] = {}
        for each in by_priority:
            if isinstance(each.rule, Pin):
                pins.setdefault(each.rule.place, []).append(each)
        return cls(
            tuple(rules),
            _allowed(rules, n_items),
            _log_factors(rules, n_items),
            dict(sorted(pins.items())),
            Quotas.of(by_priority, n_items),
        )

    @property
    def arranges(self) -> bool:
        """Whether any rule concerns the list as a whole."""
        return bool(self.pins) or self.quotas is not None

    def supply(self, items: Int32, eligible: Bool, k: int) -> Int32:
        """Adds the candidates without which the list cannot be arranged, the most popular first.

        Args:
            items: (n,) int32, distinct eligible candidates, ascending.
            eligible: (n_items,) which items may be recommended; item 0 is the most popular.
            k: recommendations wanted.

        Returns:
            The candidates, lengthened where they did not suffice, ascending.
        """
        if not self.arranges:
            return items
        supply = Supply(items, eligible)
        places = [place for place in self.pins if place <= k]
        for place in places:
            for pin in self.pins[place]:
                if eligible[pin.members].any():
                    supply.bring(pin.members, len(places))
                    break
        if self.quotas is not None:
            self.quotas.supply(supply, k)
        return supply.items()

    def arrange(self, items: Int32, ranked: Positions, k: int) -> Arranged:
        """Chooses and orders k of the candidates.

        Args:
            items: (n,) int32, the candidates, ascending.
            ranked: (n,) positions of the candidates, best first.
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
        """The names of the rules that touch an item, in the order of the file.

        Those that say something about it, and of the pins the one that placed it.
        """
        wanted = np.array([item], np.int32)
        return [
            each.rule.name
            for each in self.rules
            if each.rule.name == pinned_by
            or (not isinstance(each.rule, Pin) and _covered(wanted, each.members)[0])
        ]

    def _pinned(self, ordered: Int32, k: int) -> dict[int, tuple[int, CompiledRule]]:
        """By place, what is pinned there: its rank in the list, and the pin."""
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


def _allowed(rules: Sequence[CompiledRule], n_items: int) -> Bool | None:
    excluded = [each.members for each in rules if isinstance(each.rule, Exclude)]
    if not excluded:
        return None
    allowed = np.ones(n_items, np.bool_)
    allowed[np.concatenate(excluded)] = False
    return allowed


def _log_factors(rules: Sequence[CompiledRule], n_items: int) -> Float32 | None:
    """The sum of the logarithms, always added in the same order: whatever the order of the file."""
    factors = [
        (each.rule.factor, each.members) for each in rules if isinstance(each.rule, Boost | Bury)
    ]
    if not factors:
        return None
    factors.sort(key=lambda each: each[0])
    items = np.concatenate([members for _, members in factors])
    logs = np.log([factor for factor, _ in factors])
    total = np.bincount(items, logs.repeat([len(members) for _, members in factors]), n_items)
    return total.astype(np.float32)


def _covered(items: Int32, members: Int32) -> Bool:
    """Which of the items are members; members ascend, and there is at least one."""
    marks: Bool = members.take(members.searchsorted(items), mode="clip") == items
    return marks
