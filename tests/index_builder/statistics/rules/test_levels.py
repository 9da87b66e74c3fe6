"""Association rules of training baskets: between items and at the levels of a taxonomy, by hand."""

from dataclasses import replace

import numpy as np
import pytest

import index_builder.statistics.rules.levels
from index_builder.config import AssociationRulesConfig
from index_builder.statistics.rules.levels import category_lift, item_rules, level_rules
from index_builder.transactions.encoded.encoding import EncodedTransactions
from service.bundle.taxonomy import Level
from tests.data.encoded import trained
from tests.data.ruled_shop import ALL, ruled_contents

# Items 0 and 2 are bread, 1 is butter, 3 belongs nowhere.
LEVEL = Level(["bread", "butter"], np.array([0, 1, 0, -1], np.int32))
BASKETS = [[0, 1], [2, 1], [0, 2], [3], [0, 3]]


@pytest.fixture
def encoded() -> EncodedTransactions:
    return trained(BASKETS, 4)


def test_a_level_joins_what_items_keep_apart(encoded: EncodedTransactions) -> None:
    """Bread is in 4 of 5 baskets and butter in 2, always beside bread."""
    rules = level_rules(encoded, LEVEL, replace_support(0.3))
    assert rules.antecedent[:, 0].tolist() == [0, 1]
    assert rules.consequent.tolist() == [1, 0]
    assert rules.support.tolist() == [2 / 5, 2 / 5]
    assert rules.confidence.tolist() == [2 / 4, 2 / 2]
    assert rules.lift == pytest.approx([(2 / 4) / (2 / 5)] * 2)
    assert len(item_rules(encoded, replace_support(0.3)).lift) == 0


def test_blocks_of_baskets_make_no_difference(
    encoded: EncodedTransactions, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = category_lift(encoded, LEVEL, 1)
    monkeypatch.setattr(index_builder.statistics.rules.levels, "BLOCK_BASKETS", 2)
    np.testing.assert_array_equal(category_lift(encoded, LEVEL, 1), at_once)


def replace_support(share: float) -> AssociationRulesConfig:
    return ALL.model_copy(update={"min_support": share, "taxonomy_min_support": share})


def test_baskets_without_a_catalogue_item_count(encoded: EncodedTransactions) -> None:
    more = replace(encoded, left_out={"baskets without a catalogue item": 5})
    assert level_rules(more, LEVEL, replace_support(0.2)).support.tolist() == [2 / 10, 2 / 10]
    assert len(level_rules(more, LEVEL, replace_support(0.3)).support) == 0


def test_a_level_that_the_shop_left_empty_has_no_rules(encoded: EncodedTransactions) -> None:
    empty = Level([], np.full(4, -1, np.int32))
    assert len(level_rules(encoded, empty, ALL).lift) == 0
    assert category_lift(encoded, empty, 1).shape == (0, 0)


def test_the_lift_of_two_categories_with_enough_baskets(encoded: EncodedTransactions) -> None:
    """By chance 4 · 2 / 5 = 1.6 baskets would hold both; 2 do."""
    found = category_lift(encoded, LEVEL, 1.6)
    np.testing.assert_allclose(found, [[-1, 1.25], [1.25, -1]], rtol=1e-6)
    np.testing.assert_array_equal(category_lift(encoded, LEVEL, 1.7), np.full((2, 2), -1))


def test_every_rule_of_a_bundle_is_filed_under_the_last_item_of_its_antecedent() -> None:
    contents = ruled_contents()
    assert contents.rule_indptr is not None
    assert contents.rule_antecedent is not None
    assert contents.rule_indptr[-1] == len(contents.rule_antecedent) > 20
    for item in range(len(contents.catalogue)):
        filed = contents.rule_antecedent[slice(*contents.rule_indptr[item : item + 2])]
        assert (filed.max(axis=1) == item).all()
