"""The rulebook: which plan is in force, where and when."""

import numpy as np
import pytest

from service.business_rules.availability import Availability
from service.business_rules.rulebook import Rulebook
from tests.data.merchandised_shop import SHOP, ids, rules_of


class Clock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def book(*lines: str, stock: dict[str, list[str]] | None = None, clock: Clock) -> Rulebook:
    packed = {
        store: np.packbits([item in items for item in SHOP.item_ids])
        for store, items in (stock or {}).items()
    }
    availability = Availability(packed, len(SHOP)) if stock is not None else None
    return Rulebook(rules_of(*lines), availability, len(SHOP), clock)


def gone(rulebook: Rulebook, store: str | None = None) -> set[str]:
    allowed = rulebook.plan(store).allowed
    return set() if allowed is None else ids(np.flatnonzero(~allowed))


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_rule_holds_in_its_window_forth_and_back(clock: Clock) -> None:
    times = "from: 1970-01-01T00:10, until: 1970-01-01T00:20"
    asked = book(f"{{name: a, action: exclude, item: tea, {times}}}", clock=clock)
    for now, expected in (
        (0, set()),
        (600, {"tea"}),
        (1199, {"tea"}),
        (1200, set()),
        (700, {"tea"}),
    ):
        clock.now = now
        assert gone(asked) == expected, now


def test_hours_begin_and_end_on_the_minute(clock: Clock) -> None:
    asked = book("{name: a, action: exclude, item: tea, hours: 08:00-09:00}", clock=clock)
    for hour, expected in (
        (7.999, set()),
        (8, {"tea"}),
        (8.999, {"tea"}),
        (9, set()),
        (32, {"tea"}),
    ):
        clock.now = hour * 3600
        assert gone(asked) == expected, hour


def test_a_rule_of_stores_holds_in_these_alone(clock: Clock) -> None:
    asked = book(
        "{name: a, action: exclude, item: tea, store: [1, 2]}",
        "{name: b, action: exclude, item: mug, store: 2}",
        "{name: c, action: exclude, item: rye}",
        clock=clock,
    )
    assert gone(asked) == gone(asked, "nobody's") == {"rye"}
    assert gone(asked, "1") == {"rye", "tea"}
    assert gone(asked, "2") == {"rye", "tea", "mug"}
    assert asked.knows("nobody's")  # nothing says what is in stock where


def test_what_is_out_of_stock_is_gone_with_what_is_excluded(clock: Clock) -> None:
    stock = {"1": ["tea", "rye"], "2": []}
    asked = book("{name: a, action: exclude, item: tea}", stock=stock, clock=clock)
    assert gone(asked, "1") == set(SHOP.item_ids) - {"rye"}
    assert gone(asked, "2") == set(SHOP.item_ids)
    assert gone(asked, "unheard-of") == gone(asked) == {"tea"}
    assert [asked.knows(store) for store in ("1", "2", "unheard-of", None)] == [
        *(True, True, False, True)
    ]


def test_availability_alone_is_a_rulebook_too(clock: Clock) -> None:
    asked = book(stock={"1": ["tea"]}, clock=clock)
    assert gone(asked, "1") == set(SHOP.item_ids) - {"tea"}
    assert gone(asked) == set()


def test_a_plan_is_made_once_for_as_long_as_it_holds(clock: Clock) -> None:
    asked = book(
        "{name: a, action: exclude, item: tea, hours: 08:00-09:00}",
        "{name: b, action: boost, factor: 2, item: rye}",
        stock={"1": ["tea"], "2": ["rye"]},
        clock=clock,
    )
    assert asked.plan(None) is asked.plan("unheard-of") is asked.plan(None)
    assert asked.plan("1").log_factors is asked.plan("2").log_factors
    before = asked.plan(None)
    clock.now = 8 * 3600
    assert asked.plan(None) is not before
    clock.now = 9 * 3600
    assert asked.plan(None) is before
