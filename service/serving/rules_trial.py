"""A trial of business rules: what other rules would change for one request, and for many."""

from collections.abc import Callable, Iterable
from time import monotonic
from typing import NamedTuple

from service.business_rules.planning.plan import Plan
from service.recommending.answer import Recommendations
from service.recommending.request import RecommendRequest

Recommend = Callable[[RecommendRequest], Recommendations]


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


class Totals(NamedTuple):
    """What changes for many requests.

    Attributes:
        tried: requests that were tried.
        changed: answers that change, if only in their order.
        entered: items that enter these answers, added up.
        left: items that leave them, added up.
    """

    tried: int
    changed: int
    entered: int
    left: int


def compare_many(
    requests: Iterable[RecommendRequest], before: Recommend, after: Recommend, limit_s: float
) -> Totals:
    """Compares two answers to each of many requests, until `limit_s` seconds are over.

    Args:
        requests: to try, the most important ones first.
        before: answers by the business rules in force.
        after: answers by the new ones.
        limit_s: after which no other request is begun.
    """
    until = monotonic() + limit_s
    tried = changed = entered = left = 0
    for request in requests:
        if monotonic() >= until:
            break
        was, is_now = _items(before(request)), _items(after(request))
        tried += 1
        changed += was != is_now
        entered += len({*is_now} - {*was})
        left += len({*was} - {*is_now})
    return Totals(tried, changed, entered, left)


def _items(answer: Recommendations) -> list[int]:
    return [each.item_index for each in answer.items]


def _places(answer: Recommendations) -> dict[int, int]:
    return {each.item_index: place for place, each in enumerate(answer.items, 1)}


def _rules(answer: Recommendations) -> dict[int, list[str]]:
    return {each.item_index: each.reasons["rules"] for each in answer.items if each.reasons}
