"""Variants: at most so many of a group in a list, and none of the basket's groups."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.bundle import Bundle, preview_bundle
from service.business_rules.compiling import Compiler
from service.business_rules.rulebook import Rulebook
from service.recommending.postprocess.variants import Variants
from service.recommending.recommender import Recommender
from service.settings import RecommendOptions
from tests.data.by_score import by_score
from tests.data.requests import a_request
from tests.data.tiny_bundle import N_ITEMS, tiny_contents


def shop(groups: list[str] | None) -> Bundle:
    contents = tiny_contents()
    return preview_bundle(replace(contents, catalogue=replace(contents.catalogue, groups=groups)))


FOURS = [f"group {item // 4}" if item < 36 else "" for item in range(N_ITEMS)]
BUNDLE = shop(FOURS)


def answer(
    bundle: Bundle, options: RecommendOptions, rules: str = "rules: []", **asked: Any
) -> list[int]:
    compiled = Compiler(bundle.catalogue).compile(rules, "rules")
    rulebook = Rulebook(compiled, None, len(bundle.catalogue))
    recommended = Recommender(bundle, options).recommend(a_request(**asked), rulebook=rulebook)
    return [each.item_index for each in recommended.items]


def test_the_best_of_each_group_stays_in_the_order_of_the_list() -> None:
    plain = answer(BUNDLE, by_score(group_cap=0), basket=["item-36"], k=N_ITEMS)
    best: dict[str, int] = {}
    for item in plain:
        best.setdefault(FOURS[item] or str(item), item)
    assert answer(BUNDLE, by_score(), basket=["item-36"], k=N_ITEMS) == list(best.values())


def test_the_groups_of_the_basket_are_left_out() -> None:
    found = answer(BUNDLE, by_score(), basket=["item-0", "item-37"], k=N_ITEMS)
    assert not {FOURS[item] for item in found} & {"group 0"}
    assert {item for item in found if not FOURS[item]} == {36, 38, 39}  # no variants of 37
    assert len(found) == 8 + 3


@pytest.mark.parametrize("groups", [None, [""] * N_ITEMS])
def test_without_groups_nothing_changes(groups: list[str] | None) -> None:
    bundle = shop(groups)
    assert Variants.read(bundle) is None
    with_cap, without = (
        answer(bundle, by_score(group_cap=cap), basket=["item-0"], k=N_ITEMS) for cap in (1, 0)
    )
    assert with_cap == without
    assert len(with_cap) == N_ITEMS - 1


def test_a_pin_decides_which_variant_of_a_group_it_is() -> None:
    rules = "rules:\n- {name: that one, action: pin, place: 2, item: item-7}\n"
    found = answer(BUNDLE, by_score(), rules, user_id="user-0", k=5)
    assert found[1] == 7
    assert [FOURS[item] for item in found].count("group 1") == 1


groups = st.lists(
    st.sampled_from(["", "a", "b", "c", "d", "e"]), min_size=N_ITEMS, max_size=N_ITEMS
)


@given(
    groups=groups,
    cap=st.integers(1, 3),
    k=st.integers(1, N_ITEMS),
    basket=st.sets(st.integers(0, N_ITEMS - 1), max_size=5),
    user=st.sampled_from([None, "user-1", "stranger"]),
    category_cap=st.sampled_from([0, 3]),
)
def test_lists_keep_to_the_cap_and_are_as_long_as_it_lets_them(
    groups: list[str],
    cap: int,
    k: int,
    basket: set[int],
    user: str | None,
    category_cap: int,
) -> None:
    options = RecommendOptions(group_cap=cap, search_candidates=3, category_cap=category_cap)
    ids = [f"item-{item}" for item in sorted(basket)]
    found = answer(shop(groups), options, user_id=user, basket=ids, k=k)
    taken = {groups[item] for item in basket} - {""}
    free = [groups[i] for i in range(N_ITEMS) if i not in basket and groups[i] not in taken]
    sizes = [free.count(group) if not group else min(cap, free.count(group)) for group in set(free)]
    assert len(found) == len(set(found)) == min(k, sum(sizes))
    assert not {groups[item] for item in found} & taken
    named = [groups[item] for item in found if groups[item]]
    assert all(named.count(group) <= cap for group in named)


def test_candidates_first_of_their_group_come_first() -> None:
    variants = Variants.read(BUNDLE)
    assert variants is not None
    items = np.array([0, 1, 4, 5, 36, 37], np.int32)
    ranked = np.array([5, 1, 0, 3, 2, 4])
    assert variants.best(items, ranked, 1, None).tolist() == [5, 1, 3, 4]
    first = np.array([True, False, True, False, False, False])
    assert variants.best(items, ranked, 1, first).tolist() == [5, 0, 2, 4]
    assert variants.best(items, ranked, 2, first).tolist() == ranked.tolist()
