"""The training of the basket score: trees whose outputs for items sum to the log odds of a basket.

Gradient boosting (Friedman 2001) by LightGBM with a loss of our own. The trees give each item a
contribution; a basket's log odds are the sum over its items. The loss is the log loss of baskets,
weighted so that half of them are real, plus a small share of the log loss of items, which the user
bought in the basket or not. Without the second term, only sums would matter, and contributions
could be credited to the wrong items.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import lightgbm
import numpy as np
from pydantic import JsonValue
from scipy.special import expit

from index_builder.basket_score.judging import Judgement, judge_score
from index_builder.basket_score.training_examples import BasketKind, ScoreExamples
from index_builder.bundle.contents import with_score
from index_builder.config import ScoreConfig
from index_builder.measuring.calibration import Curve
from index_builder.measuring.reliability import reliability
from index_builder.ranker.boosting import grow
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import BundleContents, preview_bundle
from service.recommending.basket_score.score_columns import COLUMNS
from service.recommending.basket_score.scorer import ScoreCurve
from service.recommending.ranking.trees import Trees
from service.support.arrays.array_types import Bool, Float32, Float64, Int64
from service.support.arrays.offsets import offsets

_LEAST_CURVATURE = 1e-6


@dataclass(frozen=True)
class TrainedScore:
    """The two scores of a bundle.

    Attributes:
        personal: how likely a basket is a given user's.
        population: how likely a basket is any user's.
        metrics: quality on baskets that were not used for training, for the manifest.
    """

    personal: ScoreCurve
    population: ScoreCurve
    metrics: dict[str, JsonValue]


def train_score(
    examples: Sequence[ScoreExamples],
    contents: BundleContents,
    baskets: Sequence[HeldOut],
    config: ScoreConfig,
    threads: int,
    seed: int,
) -> TrainedScore | None:
    """Trains both scores, and calibrates them on other baskets.

    Args:
        examples: of one or more windows.
        contents: of a bundle made from transactions before `baskets`.
        baskets: held-out baskets that are not among the examples. Those of half of the users
            calibrate the scores, the others judge them.
        config: number and size of the trees.
        threads: threads of LightGBM; the trees do not depend on it.
        seed: of LightGBM, the corruptions and the halves.

    Returns:
        The scores; None if all baskets are one user's.
    """
    joined = _joined(examples)
    personal = _personal_trees(joined, config, threads, seed)
    population = _population_trees(joined, config, threads, seed)
    raw = with_score(contents, ScoreCurve(personal, 0), ScoreCurve(population, 0))
    judged = judge_score(preview_bundle(raw), baskets, seed)
    if judged is None:
        return None
    users = np.random.default_rng(seed).permutation(np.unique(judged.users))
    fitted = np.isin(judged.users, users[: (len(users) + 1) // 2])
    shown, unseen = judged.of(fitted), judged.of(~fitted)
    personal_curve = _curve(*shown.personal.all_kinds())
    population_curve = _curve(*shown.population.real_and_swapped())
    unseen = replace(
        unseen,
        personal=unseen.personal.on(personal_curve.slope, personal_curve.intercept),
        population=unseen.population.on(population_curve.slope, population_curve.intercept),
    )
    return TrainedScore(
        _calibrated(personal, personal_curve),
        _calibrated(population, population_curve),
        _metrics(unseen),
    )


def _curve(log_odds: Float64, real: Bool) -> Curve:
    """The calibration curve (Platt 1999) of baskets of which half are real.

    Log odds that do not separate them, or do the opposite, become a probability of one half.
    """
    curve = Curve.fit(log_odds, real)
    return curve if curve.slope > 0 else Curve(0, 0)


def _calibrated(trees: Trees, curve: Curve) -> ScoreCurve:
    """Multiplies the leaves by the slope, so that contributions still sum to the log odds."""
    value = np.float32(curve.slope) * trees.value
    return ScoreCurve(replace(trees, value=value), curve.intercept)


def _joined(examples: Sequence[ScoreExamples]) -> ScoreExamples:
    """The examples of all windows, one after the other."""
    names = [each.name for each in fields(ScoreExamples)]
    columns = ([getattr(each, name) for each in examples] for name in names)
    return ScoreExamples(*map(np.concatenate, columns))


def _personal_trees(examples: ScoreExamples, config: ScoreConfig, threads: int, seed: int) -> Trees:
    real = examples.kinds == BasketKind.REAL
    weights = np.where(real, 2.0, 1.0)  # half of them real: one of three baskets is
    baskets = (examples.columns, examples.sizes, real, examples.bought, weights)
    return _boost(*baskets, config, threads, seed)


def _population_trees(
    examples: ScoreExamples, config: ScoreConfig, threads: int, seed: int
) -> Trees:
    """Trains without the foreign baskets: they are real to the population."""
    kept = examples.kinds != BasketKind.FOREIGN
    items = np.repeat(kept, examples.sizes)
    real = examples.kinds[kept] == BasketKind.REAL
    columns, bought = examples.population_columns[items], examples.bought[items]
    baskets = (columns, examples.sizes[kept], real, bought, np.ones(len(real)))
    return _boost(*baskets, config, threads, seed)


def _metrics(judged: Judgement) -> dict[str, JsonValue]:
    if not len(judged.users):
        return {}
    personal, population, share = judged.personal, judged.population, judged.share
    return {
        "baskets": len(judged.users),
        "auc_foreign": personal.foreign_auc,
        "auc_swapped": personal.swapped_auc,
        "calibration_error": reliability(*personal.all_kinds()).expected_error,
        "population_auc_swapped": population.swapped_auc,
        "population_calibration_error": reliability(*population.real_and_swapped()).expected_error,
        "share_auc_foreign": share.foreign_auc,
        "share_auc_swapped": share.swapped_auc,
    }


def _boost(
    columns: Float32,
    sizes: Int64,
    real: Bool,
    bought: Bool,
    weights: Float64,
    config: ScoreConfig,
    threads: int,
    seed: int,
) -> Trees:
    """Trains trees whose outputs for the items of a basket sum to its log odds.

    Args:
        columns: (n, len(COLUMNS)) of the items, one basket after the other.
        sizes: (b,) number of items of each basket.
        real: (b,) whether each basket is real.
        bought: (n,) whether the user bought each item in this basket.
        weights: (b,) weights of the baskets in the loss.
        config: number and size of the trees, and the weight of the items' loss.
        threads: threads of LightGBM.
        seed: seed of LightGBM.
    """
    first = offsets(sizes)[:-1]
    basket = np.repeat(np.arange(len(sizes)), sizes)
    item_weight = config.item_weight

    def gradients(contributions: Float64, _: lightgbm.Dataset) -> tuple[Float64, Float64]:
        of_basket = expit(np.add.reduceat(contributions, first))
        of_item = expit(contributions)
        gradient = (weights * (of_basket - real))[basket] + item_weight * (of_item - bought)
        # One leaf may hold many items of a basket: each gets the curvature of all moving together.
        curvature = (weights * of_basket * (1 - of_basket) * sizes)[basket]
        curvature += item_weight * of_item * (1 - of_item)
        return gradient, np.maximum(curvature, _LEAST_CURVATURE)

    parameters = {
        "objective": gradients,
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_leaf_items,
        "min_sum_hessian_in_leaf": 1.0,
        "lambda_l2": 1.0,
    }
    data = lightgbm.Dataset(columns, np.zeros(len(columns)), feature_name=list(COLUMNS))
    return grow(data, config.trees, parameters, threads, seed)
