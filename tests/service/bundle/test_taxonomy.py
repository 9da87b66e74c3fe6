"""The taxonomy: names, codes and members of its levels."""

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.catalogue import Catalogue
from service.bundle.taxonomy import Level

CATALOGUE = Catalogue(
    item_ids=list("abcd"),
    names=list("abcd"),
    departments=["", "", "", ""],
    categories=["milk", "", "bread", "milk"],
    subcategories=["x", "milk", "x", "z"],
)


def test_names_come_by_first_appearance_and_the_empty_string_is_none() -> None:
    department, category, subcategory = CATALOGUE.taxonomy
    assert (department.names, department.codes.tolist()) == ([], [-1] * 4)
    assert (category.names, category.codes.tolist()) == (["milk", "bread"], [0, -1, 1, 0])
    assert (subcategory.names, subcategory.codes.tolist()) == (["x", "milk", "z"], [0, 1, 0, 2])


def test_members_of_a_name_are_those_of_all_levels() -> None:
    members = {name: items.tolist() for name, items in CATALOGUE.members.items()}
    assert members == {"milk": [0, 1, 3], "bread": [2], "x": [0, 2], "z": [3]}


def test_an_item_is_a_member_of_all_its_categories() -> None:
    several = replace(CATALOGUE, more_categories=["", "milk", "x\nsale", "sale"])
    members = {name: items.tolist() for name, items in several.members.items()}
    expected = {"milk": [0, 1, 3], "bread": [2], "x": [0, 2], "z": [3], "sale": [2, 3]}
    assert members == expected
    assert several.taxonomy.category.codes.tolist() == [0, -1, 1, 0]  # the first one alone


@given(st.lists(st.sampled_from(["", "a", "b", "c"]), max_size=12))
def test_codes_and_members_agree_with_the_column(column: list[str]) -> None:
    level = Level.of(column)
    assert level.names == list(dict.fromkeys(filter(None, column)))
    assert [[*level.names, ""][code] for code in level.codes] == column
    assert list(level.members) == level.names
    for name, members in level.members.items():
        assert members.dtype == level.codes.dtype == np.int32
        assert members.tolist() == [item for item, each in enumerate(column) if each == name]


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=12))
def test_unnamed_items_can_be_a_group_of_their_own(column: list[str]) -> None:
    codes = Level.of(column).codes_of_all()
    _, expected = np.unique(column, return_inverse=True)
    assert (codes[:, None] == codes).tolist() == (expected[:, None] == expected).tolist()
    assert set(codes.tolist()) == set(range(len(set(column))))
