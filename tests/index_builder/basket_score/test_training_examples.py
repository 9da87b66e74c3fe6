"""Training examples of the basket score: three kinds of every basket."""

import numpy as np

from index_builder.basket_score import ScoreExamples, score_examples
from index_builder.basket_score.training_examples import BasketKind
from index_builder.config import ScoreConfig
from service.bundle.bundle import preview_bundle
from service.recommending.basket_score.score_columns import COLUMNS
from tests.data.scored_shop import BASKET, unscored

N = 40
_SAME_CATEGORY = COLUMNS.index("same_category")
_USER_BASKETS = COLUMNS.index("user_baskets")
_PURCHASES = COLUMNS.index("purchases")


def examples(**changes: float) -> ScoreExamples:
    contents, baskets = unscored()
    config = ScoreConfig.model_validate({"window_baskets": N} | changes)
    found = score_examples(preview_bundle(contents), baskets, config, 0)
    assert found is not None
    return found


def test_every_basket_comes_in_three_kinds() -> None:
    found = examples(partial_share=0)
    assert found.kinds.tolist() == [BasketKind.REAL, BasketKind.FOREIGN, BasketKind.SWAPPED] * N
    assert found.sizes.tolist() == [BASKET] * 3 * N
    assert found.columns.shape == found.population_columns.shape
    assert len(found.columns) == len(found.bought) == 3 * N * BASKET


def test_items_are_bought_unless_swapped_in() -> None:
    found = examples(partial_share=0)
    bought = found.bought.reshape(N, 3, BASKET)
    assert bought[:, BasketKind.REAL].all()
    assert not bought[:, BasketKind.FOREIGN].any()
    kept = bought[:, BasketKind.SWAPPED].sum(axis=1)
    assert kept.min() == 0
    assert (kept == BASKET // 2).sum() > N / 3
    # In this shop, a user buys from one aisle only.
    bought = found.columns[:, _PURCHASES].reshape(N, 3, BASKET) > 0
    assert bought[:, BasketKind.REAL].all()
    assert (bought[:, BasketKind.SWAPPED] >= bought[:, BasketKind.SWAPPED]).all()


def test_some_baskets_are_taken_in_part() -> None:
    sizes = examples(partial_share=1).sizes.reshape(N, 3)
    assert set(sizes[:, BasketKind.REAL].tolist()) == {*range(1, BASKET + 1)}
    assert (sizes[:, BasketKind.REAL] == sizes[:, BasketKind.SWAPPED]).all()


def test_population_columns_know_no_user() -> None:
    found = examples()
    foreign = np.repeat(found.kinds == BasketKind.FOREIGN, found.sizes)
    assert (found.columns[:, _USER_BASKETS] > 0).all()
    assert not found.population_columns[:, _USER_BASKETS].any()
    assert not found.population_columns[foreign].any()
    others = found.population_columns[~foreign, _SAME_CATEGORY]
    assert (others == found.columns[~foreign, _SAME_CATEGORY]).all()


def test_baskets_of_one_user_give_no_examples() -> None:
    contents, baskets = unscored()
    own = [each for each in baskets if each.user == baskets[0].user]
    assert score_examples(preview_bundle(contents), own, ScoreConfig(), 0) is None
