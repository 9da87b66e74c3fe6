"""The opponents that count or solve: recency frequency, item-kNN and EASE."""

from collections.abc import Iterator
from functools import partial
from itertools import product

from rich.console import Console

from index_builder.evaluation.baselines.blend import blend
from index_builder.evaluation.baselines.methods.ease import MOST_ITEMS, ease
from index_builder.evaluation.baselines.methods.item_knn import co_purchases, item_knn
from index_builder.evaluation.baselines.opponent import Opponent, fitting, tuned
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

_TUNED_ITEMS = 8000  # EASE is cubic in the items: a fit of 18,800 takes 13 times as long


def counted(encoded: EncodedTransactions, days: Slice, console: Console) -> Iterator[Opponent]:
    """Recency frequency, item-kNN and EASE; then the last two blended with the first.

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

    solvable = encoded.n_items <= MOST_ITEMS
    if solvable:
        with fitting(console, "EASE"):
            regularisation, ease_weight = _choose_ease(days, half_life)
            linear = ease(encoded, regularisation)
        yield tuned("EASE", linear, f"lambda {regularisation}", console)
    else:
        found = f"{encoded.n_items:,} items, its matrix is for {MOST_ITEMS:,} at most"
        console.print(f"[yellow]EASE is left out:[/] {found}.")

    knn = item_knn(encoded, shrinkage, blended_power, together)
    settings = f"shrinkage {shrinkage}, power {blended_power}; {decay}, weight {knn_weight}"
    yield tuned("item-kNN + recency", blend(knn, recency, knn_weight), settings, console)
    if solvable:
        settings = f"lambda {regularisation}; {decay}, weight {ease_weight}"
        yield tuned("EASE + recency", blend(linear, recency, ease_weight), settings, console)


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


def _choose_ease(days: Slice, half_life: float) -> tuple[float, float]:
    """Lambda, by the most popular items alone; then the weight of recency in the blend."""
    few = days.most_popular(_TUNED_ITEMS)
    regularisation = few.best(_REGULARISATIONS, partial(ease, few.past))
    linear = ease(days.past, regularisation)
    recency = recency_frequency(days.past, half_life)
    return regularisation, days.best(_WEIGHTS, partial(blend, linear, recency))
