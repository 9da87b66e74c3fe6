"""Lessons of the basket score: three kinds of every basket, seen as the service sees them."""

import numpy as np

from index_builder.basket_score import ScoreLessons, score_lessons
from index_builder.basket_score.training_examples import Kind
from index_builder.config import ScoreConfig
from service.bundle.bundle import preview_bundle
from service.recommending.basket_score.evidence import COLUMNS
from tests.data.scored_shop import BASKET, unscored

N = 40
_SAME_CATEGORY = COLUMNS.index("same_category")
_USER_BASKETS = COLUMNS.index("user_baskets")
_PURCHASES = COLUMNS.index("purchases")


def lessons(**changes: float) -> ScoreLessons:
    contents, baskets = unscored()
    config = ScoreConfig.model_validate({"window_baskets": N} | changes)
    found = score_lessons(preview_bundle(contents), baskets, config, 0)
    assert found is not None
    return found


def test_every_basket_comes_in_three_kinds() -> None:
    found = lessons(partial_share=0)
    assert found.kinds.tolist() == [Kind.REAL, Kind.FOREIGN, Kind.SWAPPED] * N
    assert found.sizes.tolist() == [BASKET] * 3 * N
    assert found.columns.shape == found.alone.shape
    assert len(found.columns) == len(found.belongs) == 3 * N * BASKET


def test_an_item_belongs_unless_it_was_put_there() -> None:
    found = lessons(partial_share=0)
    belongs = found.belongs.reshape(N, 3, BASKET)
    assert belongs[:, Kind.REAL].all()
    assert not belongs[:, Kind.FOREIGN].any()
    kept = belongs[:, Kind.SWAPPED].sum(axis=1)
    assert kept.min() == 0
    assert (kept == BASKET // 2).sum() > N / 3
    # Here, a shopper buys all items of one aisle and none of another.
    bought = found.columns[:, _PURCHASES].reshape(N, 3, BASKET) > 0
    assert bought[:, Kind.REAL].all()
    assert (bought[:, Kind.SWAPPED] >= belongs[:, Kind.SWAPPED]).all()


def test_some_are_still_being_filled() -> None:
    sizes = lessons(partial_share=1).sizes.reshape(N, 3)
    assert set(sizes[:, Kind.REAL].tolist()) == {*range(1, BASKET + 1)}
    assert (sizes[:, Kind.REAL] == sizes[:, Kind.SWAPPED]).all()


def test_alone_there_is_no_shopper() -> None:
    found = lessons()
    foreign = np.repeat(found.kinds == Kind.FOREIGN, found.sizes)
    assert (found.columns[:, _USER_BASKETS] > 0).all()
    assert not found.alone[:, _USER_BASKETS].any()
    assert not found.alone[foreign].any()
    others = found.alone[~foreign, _SAME_CATEGORY]
    assert (others == found.columns[~foreign, _SAME_CATEGORY]).all()


def test_the_baskets_of_one_user_teach_nothing() -> None:
    contents, baskets = unscored()
    own = [each for each in baskets if each.user == baskets[0].user]
    assert score_lessons(preview_bundle(contents), own, ScoreConfig(), 0) is None
