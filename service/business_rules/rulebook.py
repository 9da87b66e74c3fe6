"""The rulebook: all rules and the availability, and the plan that is in force where and when."""

from collections.abc import Callable, Sequence
from time import time
from typing import NamedTuple

from service.business_rules.availability import Availability
from service.business_rules.compiling import CompiledRule
from service.business_rules.plan import Plan

__all__ = ["Rulebook"]

_PLANS_KEPT = 256  # of an (n_items,) mask each


class _Kept(NamedTuple):
    """A plan, and the time in epoch seconds for which it need not be looked at again."""

    since: float
    until: float
    plan: Plan


class Rulebook:
    """What the shop says of one catalogue; a request asks it for its plan."""

    def __init__(
        self,
        rules: Sequence[CompiledRule],
        availability: Availability | None,
        n_items: int,
        clock: Callable[[], float] = time,
    ) -> None:
        """Takes rules as `Compiler.compile` returns them; `clock` gives epoch seconds."""
        self._rules = rules
        self._availability = availability
        self._n_items = n_items
        self._clock = clock
        in_stock = availability.stores if availability is not None else frozenset()
        self._stores = in_stock.union(*(each.stores for each in rules if each.stores))
        self._kept: dict[str | None, _Kept] = {}
        # By the numbers of the rules in force: stores and moments share what they have in common.
        self._plans: dict[tuple[int, ...], Plan] = {}

    def plan(self, store_id: str | None) -> Plan:
        """The plan of a store, now; a store that nobody knows, and None, have those of all."""
        store = store_id if store_id in self._stores else None
        now = self._clock()
        kept = self._kept.get(store)
        if kept is None or not kept.since <= now < kept.until:
            kept = self._look(store, now)
        return kept.plan

    def knows(self, store_id: str | None) -> bool:
        """Whether it is known what is in stock for this request: it names no store, or one of ours.

        Without a file of availability, everything is.
        """
        return (
            store_id is None or self._availability is None or store_id in self._availability.stores
        )

    def _look(self, store: str | None, now: float) -> _Kept:
        schedules = [each.schedule for each in self._rules if each.schedule is not None]
        until = min((schedule.next_look(now) for schedule in schedules), default=float("inf"))
        if len(self._kept) >= _PLANS_KEPT:
            self._kept.clear()
        kept = _Kept(now if schedules else float("-inf"), until, self._of_store(store, now))
        self._kept[store] = kept
        return kept

    def _of_store(self, store: str | None, now: float) -> Plan:
        numbers = tuple(
            number
            for number, each in enumerate(self._rules)
            if (each.stores is None or store in each.stores)
            and (each.schedule is None or each.schedule.holds(now))
        )
        plan = self._plans.get(numbers)
        if plan is None:
            if len(self._plans) >= _PLANS_KEPT:
                self._plans.clear()
            plan = Plan.of([self._rules[number] for number in numbers], self._n_items)
            self._plans[numbers] = plan
        availability = self._availability
        if store is None or availability is None or store not in availability.stores:
            return plan
        in_stock = availability.in_stock(store)
        return plan._replace(allowed=in_stock if plan.allowed is None else in_stock & plan.allowed)
