"""Judging: a mix that can be worked out by hand, and a shop whose answer is known."""

from dataclasses import replace

import numpy as np

from index_builder.basket_score import judge_score
from index_builder.basket_score.judging import ScoresByKind
from tests.data.scored_shop import scored_bundle, unscored


def test_half_of_a_mix_is_real() -> None:
    judged = ScoresByKind(np.array([1.0, 2]), np.array([3.0, 4]), np.array([5.0, 6]))
    values, real = judged.all_kinds()
    assert sorted(values[real]) == [1, 1, 2, 2]
    assert sorted(values[~real]) == [3, 4, 5, 6]
    alone, real = judged.real_and_swapped()
    assert sorted(alone[real]) == [1, 2]
    assert sorted(alone[~real]) == [5, 6]


def test_scores_separate_baskets_in_a_shop_of_loyal_users() -> None:
    found = judge_score(scored_bundle(), unscored()[1][:100], seed=1)
    assert found is not None
    assert len(found.users) == 100
    assert found.share.foreign_auc == 1
    assert found.personal.foreign_auc > 0.99
    assert found.personal.swapped_auc > 0.99
    assert found.population.swapped_auc > 0.99
    few = found.of(found.users == found.users[0])
    assert len(few.users) == len(few.personal.real) == (found.users == found.users[0]).sum()


def test_a_single_user_cannot_be_judged() -> None:
    baskets = unscored()[1]
    assert judge_score(scored_bundle(), [replace(baskets[0])], seed=1) is None
