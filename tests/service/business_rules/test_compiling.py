"""From a rules file to the items of its rules."""

import pytest

from service.bundle.catalogue import Catalogue
from service.business_rules.compiling import Compiler
from service.business_rules.errors import RulesError
from tests.data.merchandised_shop import COMPILER, SHOP, ids, rules_of, text_of

MATCHES = {
    "item: rye": {"rye"},
    "item: [rye, sold out long ago, 007]": {"rye", "007"},
    "item: sold out long ago": set(),
    "category: food": {"rye", "bun", "tea", "007"},
    "category: drinks": {"tea", "007"},
    "category: [loaves, spirits]": {"rye", "007"},
    "brand: own": {"rye", "rose", "mug"},
    "brand: [own, Acme]": {"rye", "rose", "mug", "rake", "tea"},
    "price: {max: 1.99}": {"rye", "bun", "tea"},
    "price: {min: 1.99, max: 3}": {"rye", "tea", "rose"},
    "price: {min: 5}": {"rake", "007"},
    "price: {}": {"rye", "bun", "rose", "rake", "tea", "mug", "007"},
    "category: food, brand: own": {"rye"},
    "category: food, price: {max: 2}, item: [rye, bun, rose]": {"rye", "bun"},
    "category: green, brand: own, price: {min: 5}": set(),
}


@pytest.mark.parametrize(("conditions", "expected"), MATCHES.items())
def test_a_rule_is_about_the_items_that_meet_all_its_conditions(
    conditions: str, expected: set[str]
) -> None:
    (rule,) = rules_of(f"{{name: a, action: exclude, {conditions}}}")
    assert ids(rule.members) == expected
    assert rule.members.tolist() == sorted(rule.members.tolist())


def test_a_category_of_two_levels_is_meant_at_both() -> None:
    catalogue = Catalogue(["a", "b", "c"], ["A", "B", "C"], ["x", "", ""], ["", "x", ""], [""] * 3)
    text = text_of("{name: a, action: exclude, category: x}")
    (rule,) = Compiler(catalogue).compile(text, "f")
    assert rule.members.tolist() == [0, 1]


def test_all_kinds_of_rules_and_their_fields() -> None:
    rules = COMPILER.compile(
        """
timezone: Europe/Berlin
rules:
- name: no spirits at night
  action: exclude
  category: spirits
  hours: 22:00-06:00
  weekdays: [fri, sat]
- {name: tea, action: boost, factor: 1.5, item: tea, store: 12}
- {name: bread, action: bury, factor: 0.5, category: bread, until: 2026-12-24T14:00}
- {name: rose, action: pin, place: 1, item: rose, priority: -3, store: [1, 2]}
- {name: some food, action: minimum, count: 2, category: food, from: 2026-12-01}
- {name: few tools, action: maximum, count: 1, category: tools, from: 2026-12-01T00:00+00:00}
""",
        "f",
    )
    assert [each.rule.action for each in rules] == [
        *("exclude", "boost", "bury", "pin", "minimum", "maximum")
    ]
    assert [each.stores for each in rules] == [None, {"12"}, None, {"1", "2"}, None, None]
    schedules = [each.schedule for each in rules]
    assert schedules[0] is not None
    assert schedules[0].weekdays == {4, 5}
    assert schedules[0].hours == (22 * 60, 6 * 60)
    assert schedules[1] is None
    assert schedules[4] is not None
    assert schedules[5] is not None
    # The first of December begins in Berlin.
    assert schedules[5].begins - schedules[4].begins == 3600
    assert rules[3].rule.priority == -3


REFUSED = {
    "{action: exclude, item: a}": "line 2: name is missing",
    "{name: a, item: a}": "line 2: action: .*None",
    "{name: a, action: promote, item: a}": "line 2: action: .*boost.*'promote'",
    "{name: a, action: exclude}": "line 2: expected at least one of item, category, brand, price",
    "{name: a, action: exclude, item: []}": "line 2: item: ",
    "{name: a, action: exclude, item: ''}": "line 2: ",
    "{name: a, action: exclude, item: {b: c}}": "line 2: item: ",
    "{name: '', action: exclude, item: a}": "line 2: name: ",
    "{name: a, action: exclude, itm: a}": "line 2: there is no field 'itm'",
    "{name: a, action: boost, item: a}": "line 2: factor is missing",
    "{name: a, action: boost, item: a, factor: 1}": "expected more than 1, found '1'",
    "{name: a, action: boost, item: a, factor: 0}": "line 2: factor: ",
    "{name: a, action: boost, item: a, factor: inf}": "line 2: factor: ",
    "{name: a, action: boost, item: a, factor: nan}": "line 2: factor: ",
    "{name: a, action: boost, item: a, factor: much}": "factor: expected a number, found 'much'",
    "{name: a, action: bury, item: a, factor: 2}": "line 2: factor: expected less than 1",
    "{name: a, action: bury, item: a, factor: 0}": "line 2: factor: expected more than 0",
    "{name: a, action: pin, item: a, place: 0}": "line 2: place: expected 1 or more",
    "{name: a, action: pin, item: a, place: 1.5}": "line 2: place: expected a whole number",
    "{name: a, action: minimum, item: a, count: 0}": "line 2: count: ",
    "{name: a, action: maximum, item: a, count: -1}": "line 2: count: ",
    "{name: a, action: exclude, category: fodo}": "no category 'fodo'; did you mean 'food'",
    "{name: a, action: exclude, category: ''}": "line 2: ",
    "{name: a, action: exclude, brand: Acne}": "no brand 'Acne'; did you mean 'Acme'",
    "{name: a, action: exclude, price: {min: 2, max: 1}}": "line 2: price: .*found 2 to 1",
    "{name: a, action: exclude, price: {max: nan}}": "line 2: max: ",
    "{name: a, action: exclude, price: 3}": "line 2: price: ",
    "{name: a, action: exclude, item: a, from: soon}": "line 2: from: expected a date",
    "{name: a, action: exclude, item: a, from: 2026-02-30}": "line 2: from: expected a date",
    "{name: a, action: exclude, item: a, from: 2026-12-02, until: 2026-12-01}": "ends .*before",
    "{name: a, action: exclude, item: a, from: 2026-12-01, until: 2026-12-01}": "ends .*before",
    "{name: a, action: exclude, item: a, hours: 8-12}": "line 2: hours: expected hours",
    "{name: a, action: exclude, item: a, hours: 08:00-08:00}": "line 2: hours: expected hours",
    "{name: a, action: exclude, item: a, hours: 08:00-24:30}": "line 2: hours: expected hours",
    "{name: a, action: exclude, item: a, weekdays: [monday]}": "line 2: ",
    "just a word": "line 2: ",
}


@pytest.mark.parametrize(("line", "message"), REFUSED.items())
def test_a_mistake_is_refused_with_its_line(line: str, message: str) -> None:
    with pytest.raises(RulesError, match=message) as caught:
        rules_of(line)
    assert str(caught.value).startswith("rules.yaml, line 2: ")


def test_every_mistake_has_its_line() -> None:
    with pytest.raises(RulesError) as caught:
        rules_of(
            "{name: a, action: exclude, category: fodo}",
            "{name: b, action: exclude, category: food}",
            "{name: b, action: exclude, brand: Acne}",
        )
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == [
        *("rules.yaml, line 2", "rules.yaml, line 4", "rules.yaml, line 4")
    ]
    assert "another rule is called 'b'" in str(caught.value)


def test_of_many_mistakes_the_first_are_shown_and_the_others_counted() -> None:
    with pytest.raises(RulesError) as caught:
        rules_of(*(["nonsense"] * 25))
    assert len(str(caught.value).splitlines()) == 11
    assert str(caught.value).endswith("and 15 more")
    assert len(caught.value.mistakes) == 25


def test_of_very_many_mistakes_a_hundred_are_kept() -> None:
    with pytest.raises(RulesError) as caught:
        rules_of(*(["nonsense"] * 1000))
    assert str(caught.value).endswith("and at least 90 more")
    assert [each.line for each in caught.value.mistakes] == list(range(2, 102))


def test_only_the_first_unknown_names_are_looked_for_among_the_known() -> None:
    with pytest.raises(RulesError) as caught:
        rules_of(
            *(f"{{name: c{n}, action: exclude, category: fodo{n % 10}}}" for n in range(6)),
            *(f"{{name: b{n}, action: exclude, brand: Acne}}" for n in range(3000)),
        )
    hints = ["did you mean" in each.message for each in caught.value.mistakes]
    assert hints == [True] * 10 + [False] * 90


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["{name: a, action: exclude, item: a}"] * 10_001, "rules: expected at most 10000 items"),
        ([f"{{name: a, action: exclude, item: [{'a,' * 250_000}]}}"], "more than 250,000 keys and"),
    ],
)
def test_a_file_with_too_much_in_it_is_refused(lines: list[str], message: str) -> None:
    with pytest.raises(RulesError, match=message):
        rules_of(*lines)


def test_rules_with_equal_conditions_share_their_items_and_the_others_are_limited() -> None:
    compiler = Compiler(SHOP, members_limit=6)
    same = [
        f"{{name: {n}, action: exclude, category: [{n % 2 * 'bread, '}loaves, bread]}}"
        for n in range(9)
    ]
    first, *others = compiler.compile(text_of(*same), "f")
    assert ids(first.members) == {"rye", "bun"}
    assert all(each.members is first.members for each in others)
    more = "{name: a, action: exclude, category: food}", "{name: b, action: exclude, item: tea}"
    compiler.compile(text_of(*same, more[0]), "f")
    with pytest.raises(RulesError, match="line 12: expected rules for at most 6 items in all"):
        compiler.compile(text_of(*same, *more), "f")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timezone: Mars\nrules: []", "line 1: timezone: expected a time zone.*'Mars'"),
        ("timezone: ../../etc/passwd\nrules: []", "line 1: timezone: expected a time zone"),
        ("timezone: UTC", "line 1: rules is missing"),
        ("rules: []\nrule: []", "line 2: there is no field 'rule'"),
        ("- a", "line 1: the file: expected a mapping"),
        ("rules: none", "line 1: rules: expected a list, found 'none'"),
    ],
)
def test_a_file_of_another_form_is_refused(text: str, message: str) -> None:
    with pytest.raises(RulesError, match=message):
        COMPILER.compile(text, "f")


def test_rules_of_brands_and_prices_need_a_catalogue_that_has_them() -> None:
    columns = (SHOP.item_ids, SHOP.names, SHOP.departments, SHOP.categories, SHOP.subcategories)
    compiler = Compiler(Catalogue(*columns))
    text = text_of(
        "{name: a, action: exclude, brand: own}", "{name: b, action: exclude, price: {max: 2}}"
    )
    with pytest.raises(RulesError) as caught:
        compiler.compile(text, "f")
    first, second = str(caught.value).splitlines()
    assert first.startswith("f, line 2: this bundle's catalogue has no brands; build it")
    assert second.startswith("f, line 3: this bundle's catalogue has no prices; build it")
