"""Additions: in a shop of loyal users, every item moves the score in the right direction."""

from index_builder.basket_score.additions import judge_additions
from tests.data.held_out import basket
from tests.data.scored_shop import scored_bundle, unscored


def test_familiar_items_raise_the_score_and_foreign_ones_lower_it() -> None:
    found = judge_additions(scored_bundle(), unscored()[1][:50], seed=0)
    assert found is not None
    assert (found.baskets, found.raised, found.lowered) == (50, 1, 1)
    assert found.agreed == 1


def test_a_basket_of_one_item_is_not_tried() -> None:
    assert judge_additions(scored_bundle(), [basket([3])], seed=0) is None
