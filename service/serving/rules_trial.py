"""A trial of business rules: what other rules would change for one request."""

from typing import NamedTuple

from service.business_rules.plan import Plan
from service.recommending.answer import Recommendations


class Change(NamedTuple):
    """An item whose place changes; places count from 1, None means not in the list.

    `rules` are the new business rules that touch it, `rules_before` those in force.
    """

    item_id: str
    name: str
    before: int | None
    after: int | None
    rules: list[str]
    rules_before: list[str]


class Comparison(NamedTuple):
    """Two lists, and the items that differ.

    Attributes:
        before, after: item ids, best first.
        entered, left, moved: the items whose place changes.
        rules: names of the new business rules that touch an item of either list.
    """

    before: list[str]
    after: list[str]
    entered: list[Change]
    left: list[Change]
    moved: list[Change]
    rules: list[str]


def compare(before: Recommendations, after: Recommendations, old: Plan, new: Plan) -> Comparison:
    """Compares two answers to one request, both with their reasons.

    Args:
        before: answer by the business rules in force.
        after: answer by the new ones.
        old: plan of the rules in force.
        new: plan of the new ones.
    """
    shown = {each.item_index: each for each in (*after.items, *before.items)}
    was, is_now = _places(before), _places(after)
    rules_before, rules = _rules(before), _rules(after)
    changes = [
        Change(
            each.item_id,
            each.name,
            was.get(item),
            is_now.get(item),
            rules[item] if item in rules else new.touched(item),
            rules_before[item] if item in rules_before else old.touched(item),
        )
        for item, each in shown.items()
    ]
    return Comparison(
        [each.item_id for each in before.items],
        [each.item_id for each in after.items],
        [each for each in changes if each.before is None],
        [each for each in changes if each.after is None],
        [each for each in changes if each.before and each.after and each.before != each.after],
        list(dict.fromkeys(name for each in changes for name in each.rules)),
    )


def _places(answer: Recommendations) -> dict[int, int]:
    return {each.item_index: place for place, each in enumerate(answer.items, 1)}


def _rules(answer: Recommendations) -> dict[int, list[str]]:
    return {each.item_index: each.reasons["rules"] for each in answer.items if each.reasons}
