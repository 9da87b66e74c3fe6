"""The training of the basket score: trees whose evidence adds up to the log odds of a basket.

Gradient boosting (Friedman 2001) by LightGBM, with a loss of our own. The log odds of a basket are
the sum of f over its items; the loss is the log loss of the baskets, weighted so that half of them
are real, plus a small share of the log loss of the items, which were either in the basket or put
there. The second term keeps the evidence of each item honest where the sum alone would not care
which item brings it.
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
from index_builder.transactions.held_out import HeldOut
from service.bundle.bundle import BundleContents, preview_bundle
from service.recommending.basket_score.score_columns import COLUMNS
from service.recommending.basket_score.scorer import ScoreCurve
from service.recommending.ranking.trees import Trees
from service.support.array_types import Bool, Float32, Float64, Int64
from service.support.offsets import offsets

_LEAST_CURVATURE = 1e-6


@dataclass(frozen=True)
class TrainedScore:
    """What the service scores by.

    Attributes:
        personal: how a basket looks beside a user's profile.
        population: how it looks on its own.
        metrics: how good that was on baskets that nothing was learned from, for the manifest.
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
    """Learns from the examples, and calibrates on other baskets.

    Args:
        examples: of one or several windows.
        contents: of a bundle fitted on what came before `baskets`.
        baskets: held-out baskets that are not among the examples: half of their households
            calibrate, the others judge.
        config: number and size of the trees.
        threads: of LightGBM; the trees do not depend on it.
        seed: of LightGBM, of the corruptions and of the halves.

    Returns:
        The score; None if the baskets are those of one user.
    """
    joined = _joined(examples)
    personal = _personal_trees(joined, config, threads, seed)
    population = _population_trees(joined, config, threads, seed)
    raw = with_score(contents, ScoreCurve(personal, 0), ScoreCurve(population, 0))
    judged = judge_score(preview_bundle(raw), baskets, seed)
    if judged is None:
        return None
    households = np.random.default_rng(seed).permutation(np.unique(judged.users))
    fitted = np.isin(judged.users, households[: (len(households) + 1) // 2])
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
    """The curve through the baskets (Platt 1999), half of which are real.

    What says nothing, or the opposite, says so: one half of everything.
    """
    curve = Curve.fit(log_odds, real)
    return curve if curve.slope > 0 else Curve(0, 0)


def _calibrated(trees: Trees, curve: Curve) -> ScoreCurve:
    """Puts the slope into the leaves, so that contributions still add up."""
    value = np.float32(curve.slope) * trees.value
    return ScoreCurve(replace(trees, value=value), curve.intercept)


def _joined(examples: Sequence[ScoreExamples]) -> ScoreExamples:
    """The examples of all windows."""
    names = [each.name for each in fields(ScoreExamples)]
    columns = ([getattr(each, name) for each in examples] for name in names)
    return ScoreExamples(*map(np.concatenate, columns))


def _personal_trees(examples: ScoreExamples, config: ScoreConfig, threads: int, seed: int) -> Trees:
    real = examples.kinds == BasketKind.REAL
    weights = np.where(real, 2.0, 1.0)  # one of three baskets is real: half of them, by weight
    baskets = (examples.columns, examples.sizes, real, examples.bought, weights)
    return _boost(*baskets, config, threads, seed)


def _population_trees(
    examples: ScoreExamples, config: ScoreConfig, threads: int, seed: int
) -> Trees:
    """Without the foreign baskets, which are real ones for the population."""
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
    """Learns f, whose sum over the items of a basket is its log odds.

    Args:
        columns: (n, len(COLUMNS)), items of baskets, one basket after the other.
        sizes: (b,) number of items of each.
        real: (b,).
        bought: (n,) whether the user bought the item in this basket.
        weights: (b,) of the baskets in the loss.
        config: number and size of the trees, and how much the items' own loss counts.
        threads: of LightGBM.
        seed: of LightGBM.
    """
    first = offsets(sizes)[:-1]
    basket = np.repeat(np.arange(len(sizes)), sizes)
    item_weight = config.item_weight

    def gradients(evidence: Float64, _: lightgbm.Dataset) -> tuple[Float64, Float64]:
        of_basket, of_item = expit(np.add.reduceat(evidence, first)), expit(evidence)
        gradient = (weights * (of_basket - real))[basket] + item_weight * (of_item - bought)
        # A leaf moves many items of one basket at once: each counts as if it moved all of them.
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
