"""Association rules: by hand, against a search through everything, and as published."""

from collections.abc import Collection, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.config import AssociationRulesConfig
from index_builder.statistics.rules.association_rules import AssociationRules, association_rules
from index_builder.statistics.rules.baskets import read_baskets
from service.support.arrays.offsets import offsets

STORE = Path(__file__).parents[5] / "shared" / "data" / "store_data.csv"
ALL = AssociationRulesConfig(min_baskets=1, min_confidence=0, min_lift=0)

Rule = tuple[tuple[int, ...], int]


def mined(
    baskets: Sequence[Collection[int]], min_support: float, config: AssociationRulesConfig = ALL
) -> AssociationRules:
    items = [item for basket in baskets for item in sorted(basket)]
    indptr = offsets([len(basket) for basket in baskets])
    n_items = max(items, default=-1) + 1
    return association_rules(
        indptr, np.array(items, np.int32), n_items, len(baskets), min_support, config
    )


def measures(rules: AssociationRules) -> dict[Rule, tuple[float, ...]]:
    """Support, confidence and lift of each rule."""
    sides = zip(rules.antecedent.tolist(), rules.consequent.tolist(), strict=True)
    keys: list[Rule] = [(tuple(part for part in left if part >= 0), right) for left, right in sides]
    values = np.column_stack([rules.support, rules.confidence, rules.lift]).tolist()
    found = {key: tuple(three) for key, three in zip(keys, values, strict=True)}
    assert len(found) == len(keys)
    return found


def test_four_baskets_by_hand() -> None:
    """Bread and butter are bought together twice, bread three times, butter twice, jam once."""
    bread, butter, jam = 0, 1, 2
    rules = mined([{bread, butter}, {bread, butter, jam}, {bread}, {jam}], 0.5)
    assert measures(rules) == {
        ((bread,), butter): pytest.approx((2 / 4, 2 / 3, (2 / 3) / (2 / 4))),
        ((butter,), bread): pytest.approx((2 / 4, 2 / 2, (2 / 2) / (3 / 4))),
    }
    assert rules.antecedent.tolist() == [[bread, -1, -1, -1], [butter, -1, -1, -1]]
    assert rules.leverage == pytest.approx([2 / 4 - 3 / 4 * 2 / 4] * 2)
    assert rules.conviction == pytest.approx([(1 - 2 / 4) / (1 - 2 / 3), np.inf])


def test_two_aisles_do_not_mix() -> None:
    rules = measures(mined([{0, 2, 4}, {1, 3, 5}] * 5, 0.1))
    assert len(rules) == 2 * (6 + 3)
    assert all(item % 2 == right % 2 for left, right in rules for item in left)
    assert set(rules.values()) == {(0.5, 1.0, 2.0)}


def test_few_baskets_are_not_enough_however_large_their_share() -> None:
    baskets = [{0, 1}] * 9 + [{2}] * 3
    few = AssociationRulesConfig(min_baskets=10, min_lift=0)
    assert measures(mined(baskets, 0.01, few)) == {}
    assert len(measures(mined([*baskets, {0, 1}], 0.01, few))) == 2


@pytest.mark.parametrize("baskets", [[], [set()], [{0}, {1}]])
def test_baskets_that_teach_nothing(baskets: list[set[int]]) -> None:
    rules = mined(baskets, 0.01)
    assert rules.antecedent.shape == (0, 4)
    assert [len(rules.consequent), len(rules.leverage), len(rules.conviction)] == [0, 0, 0]


def searched(
    baskets: Sequence[Collection[int]], min_support: float, config: AssociationRulesConfig
) -> dict[Rule, Any]:
    """All rules, by counting every itemset in every basket."""

    def share(*items: int) -> float:
        return sum(set(items) <= set(basket) for basket in baskets) / len(baskets)

    found = {}
    items = sorted({item for basket in baskets for item in basket})
    for length in range(2, config.max_length + 1):
        for itemset in combinations(items, length):
            if (support := share(*itemset)) < max(min_support, 1 / len(baskets)) - 1e-12:
                continue
            for right in itemset:
                left = tuple(item for item in itemset if item != right)
                confidence = support / share(*left)
                lift = confidence / share(right)
                if confidence >= config.min_confidence - 1e-12 and lift >= config.min_lift - 1e-12:
                    found[left, right] = pytest.approx((support, confidence, lift))
    return found


@given(
    st.lists(st.sets(st.integers(0, 6)), min_size=1, max_size=25),
    st.sampled_from([0.01, 0.11, 0.23, 0.5]),
    # No share of a few baskets is as odd as these: rounding decides nothing.
    st.builds(
        AssociationRulesConfig,
        min_baskets=st.just(1),
        min_confidence=st.sampled_from([0.0, 0.3137, 0.7193]),
        min_lift=st.sampled_from([0.0, 1.0717, 1.9331]),
        max_length=st.integers(2, 5),
    ),
)
def test_finds_what_a_search_through_everything_finds(
    baskets: list[set[int]], min_support: float, config: AssociationRulesConfig
) -> None:
    rules = mined(baskets, min_support, config)
    assert measures(rules) == searched(baskets, min_support, config)
    last = rules.antecedent.max(axis=1, initial=-1)
    assert (np.diff(last) >= 0).all()


@pytest.mark.skipif(not STORE.is_file(), reason=f"no {STORE.name} beside the repository")
def test_the_published_baskets_give_142_itemsets_and_217_directed_rules() -> None:
    items, indptr, names, _ = read_baskets(STORE)
    thresholds = AssociationRulesConfig(min_baskets=1, min_confidence=0.2, min_lift=2, max_length=5)
    rules = association_rules(indptr, items, len(names), len(indptr) - 1, 0.0045, thresholds)
    found = {
        (frozenset(names[item] for item in left), names[right]): values
        for (left, right), values in measures(rules).items()
    }
    assert (len(indptr) - 1, len(names)) == (7501, 119)
    assert len(found) == 217
    sizes = [len(itemset) for itemset in {left | {right} for left, right in found}]
    assert (len(sizes), np.bincount(sizes).tolist()) == (142, [0, 0, 29, 111, 2])

    def printed(left: set[str], right: str) -> tuple[str, str, str]:
        support, confidence, lift = found[frozenset(left), right]
        return f"{support:.6f}", f"{confidence:.4f}", f"{lift:.3f}"

    assert printed({"light cream"}, "chicken") == ("0.004533", "0.2906", "4.844")
    assert printed({"pasta"}, "escalope") == ("0.005866", "0.3729", "4.701")
    assert printed({"herb & pepper", "spaghetti"}, "ground beef") == ("0.006399", "0.3934", "4.004")
