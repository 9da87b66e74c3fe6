"""The recommender under business rules, hostile ones as well."""

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.business_rules.availability import Availability
from service.business_rules.compiling import Compiler
from service.business_rules.rulebook import Rulebook
from service.recommending.answer import Recommendations
from service.recommending.recommender import Recommender
from service.recommending.request import RecommendRequest
from service.support.durations import DAY_S
from tests.data.by_score import by_score
from tests.data.merchandised_bundle import BUNDLE, CATALOGUE, matches
from tests.data.tiny_bundle import NOON

STORES = ("north", "south")
MIDNIGHT = NOON - 43_200.0  # before the latest purchases of the tiny bundle
item_ids = st.sampled_from([*CATALOGUE.item_ids, "unheard-of"])
conditions = st.fixed_dictionaries(
    {},
    optional={
        "item": st.lists(st.sampled_from(CATALOGUE.item_ids[:6]) | item_ids, min_size=1),
        "category": st.lists(
            st.sampled_from(["bakery", "garden", "SHOP", "shelf 1", "shelf 3"]), min_size=1
        ),
        "brand": st.sampled_from(["own", "Acme"]),
        "price": st.sampled_from([{"max": 2}, {"min": 1.5}, {"min": 1, "max": 3}, {}]),
    },
).filter(bool)
actions = st.one_of(
    st.fixed_dictionaries({"action": st.just("exclude")}),
    st.fixed_dictionaries(
        {"action": st.just("exclude_purchased")}, optional={"days": st.integers(1, 30)}
    ),
    st.fixed_dictionaries({"action": st.just("boost"), "factor": st.floats(1.01, 1e300)}),
    st.fixed_dictionaries({"action": st.just("bury"), "factor": st.floats(1e-300, 0.99)}),
    st.fixed_dictionaries({"action": st.just("pin"), "place": st.integers(1, 2)}),
    st.fixed_dictionaries({"action": st.just("pin"), "place": st.integers(1, 45)}),
    st.fixed_dictionaries({"action": st.just("minimum"), "count": st.integers(1, 50)}),
    st.fixed_dictionaries({"action": st.just("maximum"), "count": st.integers(1, 20)}),
)
limits: st.SearchStrategy[dict[str, Any]] = st.just({}) | st.fixed_dictionaries(
    {},
    optional={
        "store": st.sampled_from(STORES),
        "hours": st.sampled_from(["00:00-12:00", "12:00-24:00"]),
        "from": st.sampled_from(["2017-01-01", "2018-01-01"]),
    },
)
shop_rules = st.lists(
    st.builds(lambda action, where, when: action | where | when, actions, conditions, limits),
    max_size=12,
)
stocks = st.none() | st.fixed_dictionaries({store: st.integers(0, 2**40 - 1) for store in STORES})


@dataclass(frozen=True)
class Asked:
    """A request, and the moment and the place in which it is asked."""

    user_id: str | None
    basket: list[str]
    k: int
    exclude_items: list[str]
    exclude_categories: list[str]
    store_id: str | None
    now: float
    include_categories: list[str] = field(default_factory=list)
    exclude_purchased: bool | int | None = None


requests = st.builds(
    Asked,
    user_id=st.sampled_from([None, "user-0", "user-4", "stranger"]),
    basket=st.lists(item_ids, max_size=20, unique=True),
    k=st.integers(1, 45),
    exclude_items=st.lists(item_ids, max_size=5),
    exclude_categories=st.lists(st.sampled_from(["garden", "shelf 3"]), max_size=1),
    store_id=st.sampled_from([None, *STORES, "nowhere"]),
    now=st.sampled_from([MIDNIGHT, MIDNIGHT + 13 * 3600.0]),
    include_categories=st.lists(st.sampled_from(["garden", "shelf 1", "no such"]), max_size=2),
    exclude_purchased=st.sampled_from([None, None, False, True]) | st.integers(1, 6),
)
services = st.fixed_dictionaries(
    {
        "search_candidates": st.sampled_from([1, 10, 40]),
        "mmr_lambda": st.sampled_from([1, 1, 0.3]),
        "category_cap": st.sampled_from([0, 0, 2]),
    }
)


def answer(
    rules: list[dict[str, Any]],
    stock: dict[str, int] | None,
    asked: Asked,
    changes: dict[str, Any],
    explain: bool = True,
) -> Recommendations:
    named = [{"name": f"rule {place}", **rule} for place, rule in enumerate(rules)]
    return answer_named(named, stock, asked, changes, explain)


def answer_named(
    rules: list[dict[str, Any]],
    stock: dict[str, int] | None,
    asked: Asked,
    changes: dict[str, Any],
    explain: bool = True,
) -> Recommendations:
    compiled = Compiler(CATALOGUE).compile(json.dumps({"rules": rules}), "rules")
    availability = (
        None
        if stock is None
        else Availability(
            {store: np.packbits(in_stock(bits)) for store, bits in stock.items()}, len(CATALOGUE)
        )
    )
    request = RecommendRequest(
        user_id=asked.user_id,
        basket=asked.basket,
        k=asked.k,
        exclude_items=asked.exclude_items,
        exclude_categories=asked.exclude_categories,
        explain=explain,
        store_id=asked.store_id,
        include_categories=asked.include_categories,
        exclude_purchased=asked.exclude_purchased,
    )
    rulebook = Rulebook(compiled, availability, len(CATALOGUE), lambda: asked.now)
    return Recommender(BUNDLE, by_score(**changes)).recommend(request, rulebook=rulebook)


def in_stock(bits: int) -> list[bool]:
    return [bool(bits >> item & 1) for item in range(len(CATALOGUE))]


def holds(rule: dict[str, Any], asked: Asked) -> bool:
    """Whether a rule is in force, from its definition."""
    if "store" in rule and rule["store"] != asked.store_id:
        return False
    if rule.get("from") == "2018-01-01":
        return False
    return "hours" not in rule or (rule["hours"] == "00:00-12:00") == (asked.now == MIDNIGHT)


def eligible(rules: list[dict[str, Any]], stock: dict[str, int] | None, asked: Asked) -> set[str]:
    """What may be recommended, from its definition."""
    gone = {*asked.basket, *asked.exclude_items}
    for name in asked.exclude_categories:
        gone |= matches({"category": [name]})
    for rule in rules:
        if rule["action"] == "exclude" and holds(rule, asked):
            gone |= matches(rule)
    if stock is not None and asked.store_id in stock:
        marks = in_stock(stock[asked.store_id])
        gone |= {item for item, here in zip(CATALOGUE.item_ids, marks, strict=True) if not here}
    if asked.include_categories:
        gone |= set(CATALOGUE.item_ids) - matches({"category": asked.include_categories})
    return set(CATALOGUE.item_ids) - gone - purchased(rules, asked)


def purchased(rules: list[dict[str, Any]], asked: Asked) -> set[str]:
    """What is left out since the user bought it: number j of an aisle, j + 1 days before noon."""
    known = {"user-0": 0, "user-4": 1}
    if asked.user_id not in known or asked.exclude_purchased is False:
        return set()
    gone = set()
    for number in range(6):
        item_id = f"item-{2 * number + known[asked.user_id]}"
        days = (
            [asked.exclude_purchased]
            if asked.exclude_purchased is not None
            else [
                rule.get("days", True)
                for rule in rules
                if rule["action"] == "exclude_purchased"
                and holds(rule, asked)
                and item_id in matches(rule)
            ]
        )
        age_s = asked.now - (NOON - DAY_S * (number + 1))
        if any(each is True or age_s <= DAY_S * each for each in days):
            gone.add(item_id)
    return gone


def listed(found: Recommendations) -> list[str]:
    return [each.item_id for each in found.items]


@settings(max_examples=300)
@given(rules=shop_rules, stock=stocks, asked=requests, changes=services)
def test_no_rules_shorten_the_list_or_let_through_what_is_gone(
    rules: list[dict[str, Any]], stock: dict[str, int] | None, asked: Asked, changes: dict[str, Any]
) -> None:
    found = answer(rules, stock, asked, changes)
    allowed = eligible(rules, stock, asked)
    items = listed(found)
    assert len(items) == len(set(items)) == min(asked.k, len(allowed))
    assert set(items) <= allowed
    assert listed(answer(rules, stock, asked, changes, explain=False)) == items
    unknown = stock is not None and asked.store_id == "nowhere"
    lacking = asked.user_id == "stranger" or set(asked.basket) == {"unheard-of"}
    assert found.degraded == (unknown or lacking)
    for each in found.items:
        assert np.isfinite(each.score)
        assert each.reasons is not None
        assert set(found.unknown_categories) <= {"no such"}
        for name in each.reasons["rules"]:
            rule = rules[int(name.removeprefix("rule "))]
            assert holds(rule, asked)
            assert each.item_id in matches(rule)
            if rule["action"] == "pin":
                assert items[rule["place"] - 1] == each.item_id
        said = {"boost", "bury", "minimum", "maximum"}
        touching = [
            f"rule {place}"
            for place, rule in enumerate(rules)
            if rule["action"] in said and holds(rule, asked) and each.item_id in matches(rule)
        ]
        assert set(touching) <= set(each.reasons["rules"])


@given(rules=shop_rules, stock=stocks, asked=requests, changes=services, data=st.data())
def test_the_order_of_the_basket_changes_nothing(
    rules: list[dict[str, Any]],
    stock: dict[str, int] | None,
    asked: Asked,
    changes: dict[str, Any],
    data: st.DataObject,
) -> None:
    shuffled = Asked(**{**vars(asked), "basket": data.draw(st.permutations(asked.basket))})
    assert (
        answer(rules, stock, asked, changes).items == answer(rules, stock, shuffled, changes).items
    )


@settings(max_examples=300)
@given(rules=shop_rules, stock=stocks, asked=requests, changes=services, data=st.data())
def test_the_order_of_rules_that_do_not_compete_changes_nothing(
    rules: list[dict[str, Any]],
    stock: dict[str, int] | None,
    asked: Asked,
    changes: dict[str, Any],
    data: st.DataObject,
) -> None:
    """Priorities that differ say all that the order of the file could say."""
    named = [{"name": f"{n}", "priority": n, **rule} for n, rule in enumerate(rules)]
    shuffled = data.draw(st.permutations(named))
    before = answer_named(named, stock, asked, changes)
    after = answer_named(shuffled, stock, asked, changes)
    assert [(each.item_id, each.score) for each in before.items] == [
        (each.item_id, each.score) for each in after.items
    ]


@pytest.mark.parametrize("k", [1, 5, 20])
def test_pins_stand_where_they_are_pinned_whatever_the_model_thinks(k: int) -> None:
    rules: list[dict[str, Any]] = [
        {"action": "pin", "place": 1, "item": ["item-39"]},
        {"action": "pin", "place": 4, "item": ["item-37", "item-35"]},
        {"action": "exclude", "item": ["item-37"]},
    ]
    asked = Asked("user-0", ["item-0"], k, [], [], None, MIDNIGHT)
    items = listed(answer(rules, None, asked, {}))
    assert items[0] == "item-39"
    assert items[3:4] == (["item-35"] if k > 3 else [])


def test_quotas_hold_where_they_can() -> None:
    asked = Asked("user-0", ["item-0"], 10, [], [], None, MIDNIGHT)
    garden = matches({"category": ["garden"]})
    assert not set(listed(answer([], None, asked, {}))) & garden
    least: list[dict[str, Any]] = [{"action": "minimum", "count": 3, "category": ["garden"]}]
    assert len(set(listed(answer(least, None, asked, {}))) & garden) == 3
    most: list[dict[str, Any]] = [{"action": "maximum", "count": 4, "category": ["bakery"]}]
    assert len(set(listed(answer(most, None, asked, {}))) & garden) == 6
    both: list[dict[str, Any]] = [*least, {"action": "maximum", "count": 2, "category": ["garden"]}]
    assert len(set(listed(answer(both, None, asked, {}))) & garden) == 2
