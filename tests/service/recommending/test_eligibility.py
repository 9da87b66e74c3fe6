"""Eligibility: what business rules and a request leave of the catalogue."""

import numpy as np
import pytest

from service.bundle.catalogue import Catalogue
from service.profiles.profile import Profile
from service.recommending.eligibility import EVER, eligible_items, purchased_items

CATALOGUE = Catalogue(
    item_ids=["rye", "bun", "rose", "rake", "gift"],
    names=["Rye bread", "Bun", "Rose", "Rake", "Gift card"],
    departments=["food", "food", "green", "green", ""],
    categories=["bread", "bread", "plants", "tools", ""],
    subcategories=["loaves", "rolls", "", "", ""],
)
EVERYTHING = {"rye", "bun", "rose", "rake", "gift"}


def eligible(
    basket: tuple[int, ...] = (),
    items: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
    only: tuple[str, ...] = (),
) -> set[str]:
    marks = eligible_items(CATALOGUE, np.array(basket, np.int32), items, categories, only)
    assert marks.shape == (len(CATALOGUE),)
    return {CATALOGUE.item_ids[item] for item in np.flatnonzero(marks)}


def test_everything_is_eligible() -> None:
    assert eligible() == EVERYTHING


def test_items_of_one_category_share_a_code_and_those_of_none_have_none() -> None:
    codes = CATALOGUE.taxonomy.category.codes.tolist()
    assert codes[0] == codes[1]
    assert len({codes[0], codes[2], codes[3], -1}) == 4
    assert codes[4] == -1


def test_a_request_leaves_out_its_basket_and_its_exclusions() -> None:
    assert eligible(basket=(0, 2)) == {"bun", "rake", "gift"}
    assert eligible(items=("bun", "never heard of")) == EVERYTHING - {"bun"}
    assert eligible() == EVERYTHING  # and none of it outlives the request


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("food", {"rye", "bun"}),
        ("plants", {"rose"}),
        (" plants\t", {"rose"}),
        ("PLANTS", set()),
        ("rolls", {"bun"}),
        ("never heard of", set()),
        ("", set()),
    ],
)
def test_a_category_is_excluded_at_whichever_level_it_stands(name: str, gone: set[str]) -> None:
    assert eligible(categories=(name,)) == EVERYTHING - gone


def test_a_name_that_stands_at_two_levels_is_excluded_at_both() -> None:
    catalogue = Catalogue(["a", "b", "c"], ["A", "B", "C"], ["x", "", ""], ["", "x", ""], [""] * 3)
    assert eligible_items(catalogue, np.empty(0, np.int32), (), ("x",)).tolist() == [
        False,
        False,
        True,
    ]


def test_what_the_rules_leave_is_where_a_request_begins() -> None:
    allowed = np.array([True, False, True, False, True])
    marks = eligible_items(CATALOGUE, np.array([0], np.int32), (), ("plants",), (), allowed)
    assert marks.tolist() == [False, False, False, False, True]
    assert allowed.tolist() == [True, False, True, False, True]


@pytest.mark.parametrize(
    ("only", "left"),
    [
        (("plants",), {"rose"}),
        (("food", "tools"), {"rye", "bun", "rake"}),
        (("rolls ", "bread"), {"rye", "bun"}),
        (("never heard of", "tools"), {"rake"}),
        (("never heard of",), set()),
        ((), EVERYTHING),
    ],
)
def test_included_categories_are_all_that_is_left(only: tuple[str, ...], left: set[str]) -> None:
    assert eligible(only=only) == left
    assert eligible(only=only, categories=("tools",), basket=(1,)) == left - {"rake", "bun"}


DAY = 86_400
BUYER = Profile(
    np.zeros(2, np.float32),
    np.array([0, 2, 3], np.int32),
    np.ones(3, np.int32),
    np.ones(3, np.float32),
    np.array([0, 10 * DAY, 20 * DAY], np.int64),
)


@pytest.mark.parametrize(
    ("days", "bought"), [(EVER, [0, 2, 3]), (30, [0, 2, 3]), (20, [2, 3]), (10, [3]), (9.99, [])]
)
def test_purchases_of_the_last_days(days: float, bought: list[int]) -> None:
    assert purchased_items(BUYER, days, now=30 * DAY).tolist() == bought


def test_each_item_may_have_days_of_its_own() -> None:
    days = np.array([EVER, 99, 20, 0, 99], np.float32)
    assert purchased_items(BUYER, days, now=30 * DAY).tolist() == [0, 2]
    assert purchased_items(BUYER, days, now=31 * DAY).tolist() == [0]
