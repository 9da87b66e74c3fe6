"""Plans: lists derived by hand, and properties of all lists."""

import numpy as np
import pytest

from service.business_rules.planning.plan import Plan
from service.support.arrays.array_types import Bool
from tests.data.merchandised_shop import SHOP, ids, rules_of

ALL = np.arange(len(SHOP), dtype=np.int32)
EVERYTHING = np.ones(len(SHOP), np.bool_)


def plan_of(*lines: str) -> Plan:
    return Plan.of(rules_of(*lines), len(SHOP))


def arranged(plan: Plan, k: int, *best_first: str) -> list[str]:
    """The list that a plan makes of candidates in the order of their scores."""
    ranked_items = np.array([SHOP.index[each] for each in best_first], np.int32)
    items = np.sort(ranked_items)
    ranked = np.searchsorted(items, ranked_items)
    return [SHOP.item_ids[item] for item in items[plan.arrange(items, ranked, k).chosen]]


def supplied(plan: Plan, k: int, *candidates: str, eligible: Bool) -> set[str]:
    items = np.array(sorted(SHOP.index[each] for each in candidates), np.int32)
    longer = plan.supply(items, eligible, k)
    assert longer.dtype == np.int32
    assert longer.tolist() == sorted(set(longer.tolist()))
    return ids(longer)


def test_without_rules_nothing_is_touched() -> None:
    plan = plan_of()
    assert plan.allowed is None
    assert plan.log_factors is None
    assert arranged(plan, 2, "tea", "rye", "bun") == ["tea", "rye"]
    assert plan.touched(0) == []


def test_what_is_excluded_is_not_allowed() -> None:
    plan = plan_of(
        "{name: a, action: exclude, category: bread}", "{name: b, action: exclude, item: tea}"
    )
    assert plan.allowed is not None
    assert ids(np.flatnonzero(plan.allowed)) == {"rose", "rake", "mug", "007", "gift"}


def test_factors_multiply() -> None:
    plan = plan_of(
        "{name: a, action: boost, factor: 3, category: food}",
        "{name: b, action: bury, factor: 0.5, item: [rye, rose]}",
    )
    assert plan.log_factors is not None
    assert plan.log_factors.dtype == np.float32
    assert np.exp(plan.log_factors) == pytest.approx([1.5, 3, 0.5, 1, 3, 1, 3, 1])


def test_the_best_of_what_is_pinned_takes_the_place() -> None:
    plan = plan_of("{name: a, action: pin, place: 2, category: green}")
    assert arranged(plan, 3, "tea", "rye", "bun", "rake", "rose") == ["tea", "rake", "rye"]
    assert arranged(plan, 3, "rake", "tea", "bun", "rose") == ["tea", "rake", "bun"]


def test_a_place_beyond_the_list_pins_nothing() -> None:
    plan = plan_of("{name: a, action: pin, place: 3, item: mug}")
    assert arranged(plan, 2, "tea", "rye", "mug") == ["tea", "rye"]
    assert arranged(plan, 5, "tea", "mug") == ["tea", "mug"]


def test_of_pins_of_one_place_priority_decides_and_then_the_file() -> None:
    pin = "{{name: {0}, action: pin, place: 1, item: {0}, priority: {1}}}"
    first = plan_of(pin.format("rose", 0), pin.format("rake", 0))
    assert arranged(first, 2, "tea", "rake", "rose") == ["rose", "tea"]
    urgent = plan_of(pin.format("rose", 0), pin.format("rake", 1))
    assert arranged(urgent, 2, "tea", "rake", "rose") == ["rake", "tea"]


def test_a_pin_without_an_item_that_is_left_gives_way_to_the_next() -> None:
    plan = plan_of(
        "{name: a, action: pin, place: 1, item: mug}",
        "{name: b, action: pin, place: 2, item: mug, priority: 9}",
        "{name: c, action: pin, place: 2, item: gift}",
    )
    assert arranged(plan, 3, "tea", "rye", "gift", "mug") == ["mug", "gift", "tea"]
    assert arranged(plan, 3, "tea", "rye", "gift") == ["tea", "gift", "rye"]


def test_a_minimum_brings_the_best_of_its_own_and_leaves_the_order() -> None:
    plan = plan_of("{name: a, action: minimum, count: 2, category: green}")
    assert arranged(plan, 3, "tea", "rye", "bun", "rake", "rose") == ["tea", "rake", "rose"]
    assert arranged(plan, 3, "tea", "rake", "rose", "bun") == ["tea", "rake", "rose"]
    assert arranged(plan, 3, "tea", "rye", "bun", "rake") == ["tea", "rye", "rake"]


def test_a_maximum_gives_way_before_the_list_gets_shorter() -> None:
    plan = plan_of("{name: a, action: maximum, count: 1, category: bread}")
    assert arranged(plan, 3, "rye", "bun", "tea", "mug") == ["rye", "tea", "mug"]
    assert arranged(plan, 3, "rye", "bun", "tea") == ["rye", "bun", "tea"]


def test_a_minimum_keeps_within_a_maximum() -> None:
    plan = plan_of(
        "{name: a, action: minimum, count: 3, category: food}",
        "{name: b, action: maximum, count: 1, category: bread}",
    )
    expected = ["rye", "rose", "tea", "007"]
    assert arranged(plan, 4, "rye", "bun", "rose", "rake", "tea", "007") == expected


def test_of_minima_without_room_priority_decides() -> None:
    lines = [
        "{name: a, action: minimum, count: 2, category: bread}",
        "{name: b, action: minimum, count: 2, category: green, priority: 1}",
    ]
    expected = ["rye", "rose", "rake"]
    assert arranged(plan_of(*lines), 3, "tea", "rye", "bun", "rose", "rake") == expected


def test_what_is_pinned_counts_and_no_maximum_holds_it_off() -> None:
    plan = plan_of(
        "{name: a, action: pin, place: 1, item: bun}",
        "{name: b, action: pin, place: 2, item: rye}",
        "{name: c, action: maximum, count: 1, category: bread}",
        "{name: d, action: minimum, count: 2, category: food}",
    )
    assert arranged(plan, 4, "tea", "rose", "rye", "bun") == ["bun", "rye", "tea", "rose"]
    only = plan_of(
        "{name: a, action: pin, place: 3, item: bun}",
        "{name: c, action: maximum, count: 1, category: bread}",
    )
    assert arranged(only, 3, "rye", "tea", "rose", "bun") == ["tea", "rose", "bun"]


def test_candidates_for_a_pin_are_supplied_and_no_more_than_it_takes() -> None:
    plan = plan_of("{name: a, action: pin, place: 1, category: green}")
    assert supplied(plan, 2, "tea", eligible=EVERYTHING) == {"tea", "rose"}
    assert supplied(plan, 2, "tea", "rake", eligible=EVERYTHING) == {"tea", "rake"}
    without_rose = EVERYTHING.copy()
    without_rose[SHOP.index["rose"]] = False
    assert supplied(plan, 2, "tea", eligible=without_rose) == {"tea", "rake"}
    assert supplied(plan, 2, eligible=~EVERYTHING) == set()


def test_candidates_for_a_pin_whose_turn_does_not_come_are_not() -> None:
    pin = "{{name: {0}, action: pin, place: {1}, item: {0}}}"
    plan = plan_of(pin.format("rose", 1), pin.format("rake", 1), pin.format("mug", 9))
    assert supplied(plan, 2, "tea", eligible=EVERYTHING) == {"tea", "rose"}


def test_candidates_for_quotas_are_supplied() -> None:
    least = plan_of("{name: a, action: minimum, count: 2, category: food}")
    assert supplied(least, 3, "007", eligible=EVERYTHING) == {"007", "rye"}
    most = plan_of("{name: a, action: maximum, count: 1, category: food}")
    found = supplied(most, 3, "rye", "bun", "tea", eligible=EVERYTHING)
    assert found == {"rye", "bun", "tea", "rose", "rake", "mug"}
    capped = plan_of(
        "{name: a, action: maximum, count: 1, category: food}",
        "{name: b, action: maximum, count: 1, category: green}",
        "{name: c, action: maximum, count: 1, category: home}",
    )
    assert supplied(capped, 4, "rye", "bun", eligible=EVERYTHING) >= {"rye", "rose", "mug", "gift"}


def test_an_item_names_what_touches_it() -> None:
    plan = plan_of(
        "{name: a, action: boost, factor: 2, category: food}",
        "{name: b, action: pin, place: 1, item: [rye, bun]}",
        "{name: c, action: maximum, count: 1, category: bread}",
        "{name: d, action: exclude, item: tea}",
    )
    rye, tea = SHOP.index["rye"], SHOP.index["tea"]
    assert plan.touched(rye) == ["a", "c"]
    assert plan.touched(rye, "b") == ["a", "b", "c"]
    assert plan.touched(tea) == ["a", "d"]
    assert plan.touched(SHOP.index["gift"]) == []
    items = np.array([0, 1, 4], np.int32)
    assert plan.arrange(items, np.array([2, 1, 0]), 2).pinned == {1: "b"}


def test_an_item_names_no_more_rules_than_can_be_read() -> None:
    plan = plan_of(
        *(f"{{name: r{n}, action: bury, factor: 0.9, price: {{min: 0}}}}" for n in range(3000)),
        "{name: p, action: pin, place: 1, item: rye}",
        "{name: tea alone, action: exclude, item: tea}",
    )
    rye, tea, gift = SHOP.index["rye"], SHOP.index["tea"], SHOP.index["gift"]
    assert plan.touched(rye, "p") == [*(f"r{n}" for n in range(20)), "p"]
    assert plan.touched(tea) == plan.touched(rye)
    assert plan.touched(gift) == []


def test_of_many_pins_and_quotas_a_thousand_are_in_force_by_priority_and_then_in_order() -> None:
    pins = [f"{{name: p{n}, action: pin, place: 2, item: rose}}" for n in range(999)]
    urgent = "{name: u, action: pin, place: 1, item: rake, priority: 1}"
    beyond = "{name: b, action: maximum, count: 1, category: bread}"
    plan = plan_of(*pins, beyond, urgent)
    assert plan.quotas is None
    assert plan.touched(SHOP.index["rye"]) == []
    assert arranged(plan, 4, "tea", "rye", "bun", "rose", "rake") == ["rake", "rose", "tea", "rye"]
    assert plan_of(*pins[1:], beyond, urgent).quotas is not None


def test_an_item_counts_for_a_hundred_quotas() -> None:
    lines = [f"{{name: m{n}, action: maximum, count: 2, category: food}}" for n in range(100)]
    beyond = "{name: b, action: maximum, count: 1, category: bread}"
    best_first = ("rye", "bun", "tea", "mug", "rose")
    expected = ["rye", "bun", "mug"]
    assert arranged(plan_of(*lines, beyond), 3, *best_first) == expected
    assert arranged(plan_of(*lines[1:], beyond), 3, *best_first) == ["rye", "tea", "mug"]
