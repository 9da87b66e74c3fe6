"""The rulebook: all business rules and the availability, and from them the plan of a store now."""

from collections.abc import Callable, Iterator, Sequence
from time import time
from typing import NamedTuple

from service.business_rules.availability import Availability
from service.business_rules.compiling import CompiledRule
from service.business_rules.errors import Mistake
from service.business_rules.planning.plan import Plan

_PLANS_KEPT = 256  # of an (n_items,) mask each


class _Kept(NamedTuple):
    """A plan, and the time in epoch seconds for which it stays in force."""

    since: float
    until: float
    plan: Plan


class Rulebook:
    """The business rules and the availability of one catalogue."""

    def __init__(
        self,
        rules: Sequence[CompiledRule],
        availability: Availability | None,
        n_items: int,
        clock: Callable[[], float] = time,
    ) -> None:
        """Takes the rules of `Compiler.compile`; `clock` returns epoch seconds."""
        self._rules = rules
        self._availability = availability
        self._n_items = n_items
        self._clock = clock
        in_stock = availability.stores if availability is not None else frozenset()
        self._stores = in_stock.union(*(each.stores for each in rules if each.stores))
        self._kept: dict[str | None, _Kept] = {}
        # By the numbers of the rules in force: stores and moments with the same rules share a plan.
        self._plans: dict[tuple[int, ...], Plan] = {}

    def plan(self, store_id: str | None) -> Plan:
        """The plan of a store now; for an unknown store and None, of the rules for all stores."""
        store = store_id if store_id in self._stores else None
        now = self._clock()
        kept = self._kept.get(store)
        if kept is None or not kept.since <= now < kept.until:
            kept = self._look(store, now)
        return kept.plan

    def now(self) -> float:
        """The moment for which its plans are, in epoch seconds."""
        return self._clock()

    def warnings(self) -> Iterator[Mistake]:
        """What the files name in vain: each rule with its line, the stock without one."""
        stock = self._availability
        for each in self._rules:
            name = repr(each.rule.name)
            if each.unknown_items:
                unknown = _listed(each.unknown_items)
                yield Mistake(each.line, f"{name}: the catalogue has no item {unknown}")
            elif not len(each.members):
                yield Mistake(each.line, f"{name}: no item of the catalogue meets its conditions")
            if stock is not None and (closed := sorted((each.stores or set()) - stock.stores)):
                yield Mistake(each.line, f"{name}: the stock file has no store {_listed(closed)}")
        if stock is None:
            return
        if stock.sold_out:
            yield Mistake(None, f"{stock.sold_out:,} rows with a quantity of 0 or less, or none")
        if stock.empty:
            yield Mistake(None, f"no item of the catalogue is in store {_listed(stock.empty)}")

    def knows(self, store_id: str | None) -> bool:
        """Whether the stock for this request is known: it names no store, or a known one.

        Without a file of availability, every store is known.
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


def _listed(names: Sequence[str]) -> str:
    """The first of some names, and the number of the others."""
    more = f" and {len(names) - 1:,} more" if len(names) > 1 else ""
    return f"{names[0]!r}{more}"
