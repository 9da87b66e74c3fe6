"""Which business rules in force explain the place of an item."""

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from service.business_rules.compiling import CompiledRule
from service.business_rules.planning.rules_by_item import RulesByItem
from service.business_rules.schema import ExcludePurchased, Pin

NAMED = 20
"""Rules at most that an item names, beside the pin that placed it."""


class Touching:
    """The rules of a plan, by the items that they concern."""

    def __init__(self, rules: Sequence[CompiledRule], n_items: int) -> None:
        """Takes the rules in the order of the file."""
        self._rules = rules
        self._n_items = n_items

    def names(self, item: int, pinned_by: str | None = None) -> list[str]:
        """The names of the first 20 rules that concern an item, in the order of the file.

        Of the pins, only the one that placed it.
        """
        numbers = self._by_item.concerning(item)
        if pinned_by is not None:
            numbers = sorted([*numbers, self._pins[pinned_by]])
        return [self._rules[number].rule.name for number in numbers]

    @cached_property  # the first explanation makes it; most plans need none
    def _by_item(self) -> RulesByItem:
        none = np.empty(0, np.int32)
        # A pin touches the item that it places alone; what was purchased is not in the list.
        silent = (Pin, ExcludePurchased)
        members = [none if isinstance(each.rule, silent) else each.members for each in self._rules]
        return RulesByItem.of(members, self._n_items, NAMED)

    @cached_property
    def _pins(self) -> dict[str, int]:
        rules = enumerate(self._rules)
        return {each.rule.name: number for number, each in rules if isinstance(each.rule, Pin)}
