"""Training: the scores are calibrated, measured on unseen baskets, and reproducible."""

from dataclasses import replace

import numpy as np

from index_builder.basket_score import TrainedScore, judge_score, train_score
from index_builder.basket_score.training_examples import BasketKind
from service.bundle.bundle import preview_bundle
from tests.data.scored_shop import CONFIG, examples, scored_contents, unscored


def trained(seed: int = 0) -> TrainedScore | None:
    contents, baskets = unscored()
    return train_score([examples()], contents, baskets[:100], CONFIG.score, 1, seed)


def test_metrics_are_of_unseen_baskets() -> None:
    found = trained()
    assert found is not None
    metrics = found.metrics
    judged = judge_score(preview_bundle(scored_contents()), unscored()[1][:100], 0)
    assert judged is not None
    # The metrics are of the half of the users that did not calibrate it.
    assert 0 < int(str(metrics["baskets"])) < 100
    halves = [judged.of(judged.users % 2 == rest) for rest in (0, 1)]
    assert all(half.personal.swapped_auc > 0.99 for half in halves)
    assert metrics["auc_foreign"] == metrics["share_auc_foreign"] == 1
    for name in ("auc_swapped", "population_auc_swapped"):
        value = metrics[name]
        assert isinstance(value, float)
        assert value > 0.99
    for name in ("calibration_error", "population_calibration_error"):
        value = metrics[name]
        assert isinstance(value, float)
        assert value < 0.1


def test_a_score_that_is_wrong_on_other_baskets_is_one_half() -> None:
    # Real baskets are labelled corrupted: on other baskets, the score separates the wrong way.
    contents, baskets = unscored()
    upside_down = np.where(examples().kinds == BasketKind.REAL, BasketKind.SWAPPED, BasketKind.REAL)
    reversed_examples = replace(examples(), kinds=upside_down, bought=~examples().bought)
    found = train_score([reversed_examples], contents, baskets[:100], CONFIG.score, 1, 0)
    assert found is not None
    for curve in (found.personal, found.population):
        assert not curve.trees.value.any()
        assert curve.intercept == 0


def test_the_same_seed_gives_the_same_score() -> None:
    first, second, other = trained(), trained(), trained(seed=1)
    assert first is not None
    assert second is not None
    assert other is not None
    assert (first.personal.trees.value == second.personal.trees.value).all()
    assert first.metrics == second.metrics
    assert first.personal.intercept == second.personal.intercept != other.personal.intercept


def test_baskets_of_one_user_cannot_calibrate() -> None:
    contents, baskets = unscored()
    own = [each for each in baskets if each.user == 0]
    assert train_score([examples()], contents, own, CONFIG.score, 1, 0) is None


def test_both_scores_share_the_arrays_of_a_bundle() -> None:
    found, contents = trained(), scored_contents()
    assert found is not None
    assert contents.score_root is not None
    assert contents.score_population_root is not None
    assert contents.score_value is not None
    n_own = len(found.personal.trees.value)
    assert len(contents.score_value) == n_own + len(found.population.trees.value)
    assert contents.score_root.max() < n_own <= contents.score_population_root.min()
