"""Related items: by hand, and against a plain search through all rules."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.bundle.arrays import Arrays
from service.bundle.bundle import preview_bundle
from service.recommending.related_items import RelatedItems
from service.support.arrays.array_types import Bool
from tests.data.ruled_shop import ruled_contents
from tests.data.tiny_bundle import N_ITEMS

ITEMS = st.sets(st.integers(0, 9))


def others(*items: int) -> Bool:
    """All items but these, as a mask."""
    marks = np.ones(N_ITEMS, np.bool_)
    marks[list(items)] = False
    return marks


def related(arrays: Arrays, *items: int, k: int = 3) -> list[tuple[int, list[int] | None]]:
    """Items with the antecedents of their rules."""
    found = RelatedItems(arrays).related(np.array(sorted(items), np.int32), k, others(*items))
    return [(item, rule.antecedent if rule else None) for item, rule in found]


def test_the_longest_antecedent_comes_first_then_lift_times_confidence() -> None:
    """Of 20 baskets: 10 and 12 in 6, 14 in 5, 16 in 3, both halves of 10 and 12 each."""
    arrays = preview_bundle(ruled_contents())
    # 3/6 of {10, 12} hold 14, which is in 5: lift 2; the same share holds 16, in 3: lift 3.33.
    assert related(arrays, 10, 12) == [(16, [10, 12]), (14, [10, 12]), (11, [10])]
    # {10}, in 7 baskets: 12 (6/7, lift 2.1), 16 (3/7, 2.9), 14 (3/7, 1.7), 11 (1/7, .4).
    assert related(arrays, 10, k=4) == [(12, [10]), (16, [10]), (14, [10]), (11, [10])]


def test_the_measures_of_a_rule() -> None:
    ((item, rule),) = RelatedItems(preview_bundle(ruled_contents())).related(
        np.array([10, 12], np.int32), 1, others(10, 12)
    )
    assert rule is not None
    assert (item, rule.consequent, rule.antecedent) == (16, 16, [10, 12])
    assert (rule.support, rule.confidence) == pytest.approx((3 / 20, 3 / 6))
    assert rule.lift == pytest.approx((3 / 6) / (3 / 20))


def test_best_sellers_fill_up() -> None:
    arrays = preview_bundle(ruled_contents())
    assert related(arrays, 30) == [(0, None), (1, None), (2, None)]
    assert related(arrays) == [(0, None), (1, None), (2, None)]
    assert related(arrays, 0, 15, k=4) == [(13, [15]), (11, [15]), (1, None), (2, None)]


def test_a_catalogue_has_no_more_items_than_it_has() -> None:
    arrays = preview_bundle(ruled_contents())
    found = [item for item, _ in related(arrays, *range(5, 35), k=N_ITEMS)]
    assert sorted(found) == [*range(5), *range(35, N_ITEMS)]


def test_what_is_not_eligible_does_not_appear() -> None:
    eligible = others(10, 12, 16, 0)
    found = RelatedItems(preview_bundle(ruled_contents())).related(
        np.array([10, 12], np.int32), 5, eligible
    )
    assert [item for item, _ in found] == [14, 11, 1, 2, 3]
    assert eligible.sum() == N_ITEMS - 4


def searched(arrays: Arrays, held: set[int], k: int) -> list[tuple[int, list[int] | None]]:
    """The same by looking at every rule."""
    present = arrays.present()
    rules = zip(
        present["rule_antecedent"].tolist(),
        present["rule_consequent"].tolist(),
        (present["rule_lift"] * present["rule_confidence"]).tolist(),
        strict=True,
    )
    sides = [([part for part in left if part >= 0], right, merit) for left, right, merit in rules]
    matching = [rule for rule in sides if held.issuperset(rule[0]) and rule[1] not in held]
    matching.sort(key=lambda rule: (-len(rule[0]), -rule[2], rule[1]))
    found: dict[int, list[int] | None] = {}
    for left, right, _ in matching:
        found.setdefault(right, left)
    for item in set(range(N_ITEMS)) - held:
        found.setdefault(item, None)
    return list(found.items())[:k]


@settings(deadline=None)
@given(st.lists(ITEMS.filter(bool), min_size=1, max_size=12), ITEMS, st.integers(1, 20))
def test_finds_what_a_look_at_every_rule_finds(
    baskets: list[set[int]], held: set[int], k: int
) -> None:
    arrays = preview_bundle(ruled_contents(baskets))
    assert related(arrays, *held, k=k) == searched(arrays, held, k)
