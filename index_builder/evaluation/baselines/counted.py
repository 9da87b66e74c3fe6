"""The opponents that count or solve: recency frequency, item-kNN, the ridges; their blends."""

from collections.abc import Iterator
from functools import partial
from itertools import product

from rich.console import Console

from index_builder.evaluation.baselines.blend import blend, weighted_sum
from index_builder.evaluation.baselines.methods.ease import MOST_ITEMS, ease_weights
from index_builder.evaluation.baselines.methods.item_knn import co_purchases, item_knn
from index_builder.evaluation.baselines.methods.linear import of_basket, of_history
from index_builder.evaluation.baselines.methods.neighbourhood_ridge import ridge_weights
from index_builder.evaluation.baselines.opponent import Opponent, fitting, told, tuned
from index_builder.evaluation.baselines.tuning import Slice
from index_builder.measuring.purchases import recency_frequency
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions

# The first value of each is the default, for too few baskets to tune on.
_HALF_LIVES = (60, 15, 30, 120, 240)  # days
_SHRINKAGES = (5, 0, 20, 50)
_POWERS = (0.5, 0.4, 0.6)
_WEIGHTS = (1, 0.5, 0.7, 1.4, 2)
_REGULARISATIONS = (100, 10, 30, 300, 1000)
_RIDGES = (50, 100, 200)
_HISTORY_WEIGHTS = (1, 0.3, 0.1)

_TUNED_ITEMS = 8000  # EASE is cubic in the items: a fit of 18,800 takes 13 times as long


def counted(encoded: EncodedTransactions, days: Slice, console: Console) -> Iterator[Opponent]:
    """Recency frequency and the methods of items; then these blended with the first.

    Args:
        encoded: the training baskets.
        days: choose the settings.
        console: where they are shown, and the opponents that are left out.
    """
    with fitting(console, "user recency frequency"):
        half_life = days.best(_HALF_LIVES, partial(recency_frequency, days.past))
        recency = recency_frequency(encoded, half_life)
    decay = f"half-life {half_life} days"
    yield tuned("user recency frequency", recency, decay, console)

    with fitting(console, "item-kNN"):
        shrinkage, power, blended_power, knn_weight = _choose_knn(days, half_life)
        together = co_purchases(encoded)
        knn = item_knn(encoded, shrinkage, power, together)
    yield tuned("item-kNN", knn, f"shrinkage {shrinkage}, power {power}", console)

    with fitting(console, "neighbourhood ridge"):
        ridge, ridge_weight = _choose_ridge(days, half_life)
        local = of_basket(ridge_weights(encoded, ridge))
    yield tuned("neighbourhood ridge", local, f"lambda {ridge}", console)

    solvable = encoded.n_items <= MOST_ITEMS
    if solvable:
        with fitting(console, "EASE"):
            regularisation, ease_weight, with_history = _choose_ease(days, half_life)
            weights = ease_weights(encoded, regularisation)
            linear = of_basket(weights)
        yield tuned("EASE", linear, f"lambda {regularisation}", console)
    else:
        found = f"{encoded.n_items:,} items, its matrix is for {MOST_ITEMS:,} at most"
        console.print(f"[yellow]EASE is left out:[/] {found}.")

    knn = item_knn(encoded, shrinkage, blended_power, together)
    settings = f"shrinkage {shrinkage}, power {blended_power}; {decay}, weight {knn_weight}"
    yield tuned("item-kNN + recency", blend(knn, recency, knn_weight), settings, console)
    settings = f"lambda {ridge}; {decay}, weight {ridge_weight}"
    blended = blend(local, recency, ridge_weight)
    yield tuned("neighbourhood ridge + recency", blended, settings, console)
    if solvable:
        settings = f"lambda {regularisation}; {decay}, weight {ease_weight}"
        yield tuned("EASE + recency", blend(linear, recency, ease_weight), settings, console)
        history = of_history(weights, encoded, half_life)
        settings = f"lambda {regularisation}; {decay}, {told(with_history)}"
        blended = _blend_of_both(linear, history, recency, **with_history)
        yield tuned("EASE of basket and history + recency", blended, settings, console)


def _choose_knn(days: Slice, half_life: float) -> tuple[float, float, float, float]:
    """Shrinkage and power; then power and weight of recency, for the blend."""
    together = co_purchases(days.past)
    recency = recency_frequency(days.past, half_life)

    def alone(values: tuple[float, float]) -> Scorer:
        return item_knn(days.past, *values, together)

    def blended(values: tuple[float, float]) -> Scorer:
        power, weight = values
        return blend(alone((shrinkage, power)), recency, weight)

    shrinkage, power = days.best(list(product(_SHRINKAGES, _POWERS)), alone)
    return shrinkage, power, *days.best(list(product(_POWERS, _WEIGHTS)), blended)


def _choose_ridge(days: Slice, half_life: float) -> tuple[float, float]:
    """Lambda, by the most popular items alone; then the weight of recency in the blend."""
    few = days.most_popular(_TUNED_ITEMS)
    ridge = few.best(_RIDGES, lambda value: of_basket(ridge_weights(few.past, value)))
    local = of_basket(ridge_weights(days.past, ridge))
    recency = recency_frequency(days.past, half_life)
    return ridge, days.best(_WEIGHTS, partial(blend, local, recency))


def _choose_ease(days: Slice, half_life: float) -> tuple[float, float, dict[str, float]]:
    """Lambda, by the most popular items alone; then the weights of the blends.

    The first blend has recency alone beside the basket, the second one the history in the input
    of EASE too.
    """
    few = days.most_popular(_TUNED_ITEMS)
    regularisation = few.best(
        _REGULARISATIONS, lambda value: of_basket(ease_weights(few.past, value))
    )
    weights = ease_weights(days.past, regularisation)
    linear, history = of_basket(weights), of_history(weights, days.past, half_life)
    recency = recency_frequency(days.past, half_life)
    weight = days.best(_WEIGHTS, partial(blend, linear, recency))
    with_history = days.one_by_one(
        {"history_weight": _HISTORY_WEIGHTS, "weight": _WEIGHTS},
        partial(_blend_of_both, linear, history, recency),
    )
    return regularisation, weight, with_history


def _blend_of_both(
    linear: Scorer, history: Scorer, recency: Scorer, history_weight: float, weight: float
) -> Scorer:
    return blend(weighted_sum(linear, history, history_weight), recency, weight)
