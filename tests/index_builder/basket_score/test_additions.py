"""Additions: in a shop of loyal shoppers, every item moves the score as it should."""

from index_builder.basket_score.additions import judge_additions
from tests.data.held_out import basket
from tests.data.scored_shop import scored_bundle, unscored


def test_what_the_shopper_buys_raises_and_what_they_never_buy_lowers() -> None:
    found = judge_additions(scored_bundle(), unscored()[1][:50], seed=0)
    assert found is not None
    assert (found.baskets, found.raised, found.lowered) == (50, 1, 1)
    assert found.agreed == 1


def test_a_basket_of_one_item_is_not_tried() -> None:
    assert judge_additions(scored_bundle(), [basket([3])], seed=0) is None
