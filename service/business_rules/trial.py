"""A trial: what other rules would change for one request."""

from collections.abc import Callable
from typing import NamedTuple

from service.answers import Recommendation, Recommendations

__all__ = ["Change", "Comparison", "compare"]


class Change(NamedTuple):
    """An item whose place changes; places count from 1, None is not in the list.

    `rules` are the new ones that touch it.
    """

    item_id: str
    name: str
    before: int | None
    after: int | None
    rules: list[str]


class Comparison(NamedTuple):
    """Two lists, and how one becomes the other.

    Attributes:
        before, after: item ids, best first.
        entered, left, moved: the items whose place is another.
        rules: names of the new rules that touch an item of either list.
    """

    before: list[str]
    after: list[str]
    entered: list[Change]
    left: list[Change]
    moved: list[Change]
    rules: list[str]


def compare(
    before: Recommendations, after: Recommendations, touched: Callable[[int], list[str]]
) -> Comparison:
    """Compares two answers to one request.

    Args:
        before: by the rules in force.
        after: by other rules, with its reasons.
        touched: the names of those that touch an item that is not in the list.
    """
    old, new = _places(before), _places(after)
    changes = []
    names: dict[str, None] = {}
    for item in {**new, **old}:
        was, place = old.get(item), new.get(item)
        shown = after.items[place - 1] if place else before.items[(was or 1) - 1]
        rules = _rules(shown) if place else touched(item)
        names |= dict.fromkeys(rules)
        changes.append(Change(shown.item_id, shown.name, was, place, rules))
    return Comparison(
        [each.item_id for each in before.items],
        [each.item_id for each in after.items],
        [each for each in changes if each.before is None],
        [each for each in changes if each.after is None],
        [each for each in changes if each.before and each.after and each.before != each.after],
        list(names),
    )


def _places(answer: Recommendations) -> dict[int, int]:
    return {each.item_index: place for place, each in enumerate(answer.items, 1)}


def _rules(each: Recommendation) -> list[str]:
    return each.reasons["rules"] if each.reasons is not None else []
