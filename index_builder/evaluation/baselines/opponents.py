"""All opponents, each tuned and then fitted on the training baskets."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import cache, partial
from itertools import product
from typing import NamedTuple, TypeVar

from rich.console import Console

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.evaluation.baselines.blend import blend
from index_builder.evaluation.baselines.ease import MOST_ITEMS, ease
from index_builder.evaluation.baselines.item_knn import co_purchases, item_knn
from index_builder.evaluation.baselines.published import (
    rtt2vec,
    train_published,
    triple2vec,
    triple2vec_without_user,
)
from index_builder.evaluation.baselines.skip_gram import (
    SkipGram,
    bb2vec,
    gensim_is_installed,
    item2vec,
    skip_gram,
)
from index_builder.evaluation.baselines.tuning import Slice, last_days
from index_builder.measuring.popularity import item_popularity
from index_builder.measuring.purchases import recency_frequency, user_frequency
from index_builder.measuring.quality import RankingFunction
from index_builder.measuring.scorer import Scorer, top
from index_builder.progress import stage
from index_builder.transactions.encoded.encoding import EncodedTransactions

# The first value of each is the default, for too few baskets to tune on.
_HALF_LIVES = (60, 15, 30, 120, 240)  # days
_SHRINKAGES = (5, 0, 20, 50)
_POWERS = (0.5, 0.4, 0.6)
_WEIGHTS = (1, 0.5, 0.7, 1.4, 2)
_REGULARISATIONS = (100, 10, 30, 300, 1000)
_NOISE_POWERS = (0.75, 0)
_EPOCHS = (4, 2, 8, 16)

_TUNED_ITEMS = 8000  # EASE is cubic in the items: a fit of 18,800 takes 13 times as long

_Value = TypeVar("_Value")
_Vectors = TypeVar("_Vectors")


class Opponent(NamedTuple):
    """A method, its ranking function and its tuned settings, empty if there are none."""

    name: str
    rank: RankingFunction
    settings: str = ""


def opponents(
    encoded: EncodedTransactions, as_of: datetime, config: TrainConfig, console: Console
) -> Iterator[Opponent]:
    """Yields the opponents; each is fitted when it is needed.

    Hyperparameters are chosen by recall in the last days before the cut, with models of the time
    before; the models are then fitted again on all training baskets.

    Args:
        encoded: the training baskets.
        as_of: the cut, naive UTC.
        config: threads and seed; for the vectors of the papers, negatives and learning rate too.
        console: where the settings are shown, and the opponents that are left out.
    """
    yield Opponent("item popularity", top(item_popularity(encoded)))
    yield Opponent("user frequency", top(user_frequency(encoded)))
    days = last_days(encoded, as_of, config.seed)
    yield from _counts(encoded, days, console)
    if gensim_is_installed():
        yield from _skip_grams(encoded, days, config, console)
    else:
        console.print("[yellow]item2vec and BB2vec are left out:[/] gensim is not installed.")
    yield from _published(encoded, days, config, console)


def _counts(encoded: EncodedTransactions, days: Slice, console: Console) -> Iterator[Opponent]:
    """Recency frequency, item-kNN and EASE; then the last two blended with the first."""
    with _fitting(console, "user recency frequency"):
        half_life = days.best(_HALF_LIVES, partial(recency_frequency, days.past))
        recency = recency_frequency(encoded, half_life)
    decay = f"half-life {half_life} days"
    yield _opponent("user recency frequency", recency, decay, console)

    with _fitting(console, "item-kNN"):
        shrinkage, power, blended_power, knn_weight = _choose_knn(days, half_life)
        together = co_purchases(encoded)
        knn = item_knn(encoded, shrinkage, power, together)
    yield _opponent("item-kNN", knn, f"shrinkage {shrinkage}, power {power}", console)

    solvable = encoded.n_items <= MOST_ITEMS
    if solvable:
        with _fitting(console, "EASE"):
            regularisation, ease_weight = _choose_ease(days, half_life)
            linear = ease(encoded, regularisation)
        yield _opponent("EASE", linear, f"lambda {regularisation}", console)
    else:
        found = f"{encoded.n_items:,} items, its matrix is for {MOST_ITEMS:,} at most"
        console.print(f"[yellow]EASE is left out:[/] {found}.")

    knn = item_knn(encoded, shrinkage, blended_power, together)
    settings = f"shrinkage {shrinkage}, power {blended_power}; {decay}, weight {knn_weight}"
    yield _opponent("item-kNN + recency", blend(knn, recency, knn_weight), settings, console)
    if solvable:
        settings = f"lambda {regularisation}; {decay}, weight {ease_weight}"
        yield _opponent("EASE + recency", blend(linear, recency, ease_weight), settings, console)


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


def _skip_grams(
    encoded: EncodedTransactions, days: Slice, config: TrainConfig, console: Console
) -> Iterator[Opponent]:
    def learn(baskets: EncodedTransactions, power: float) -> SkipGram:
        return skip_gram(baskets, power, config.threads, config.seed)

    methods = {"item2vec": item2vec, "BB2vec": bb2vec}
    for name, power, scorer in _of_vectors(encoded, days, methods, _NOISE_POWERS, learn, console):
        yield _opponent(name, scorer, f"noise by count^{power}", console)


def _published(
    encoded: EncodedTransactions, days: Slice, config: TrainConfig, console: Console
) -> Iterator[Opponent]:
    def learn(baskets: EncodedTransactions, epochs: int) -> Embeddings:
        return train_published(baskets, config, epochs)

    methods = {
        "triple2vec without user": triple2vec_without_user,
        "triple2vec": triple2vec,
        "RTT2Vec as published": rtt2vec,
    }
    for name, epochs, scorer in _of_vectors(encoded, days, methods, _EPOCHS, learn, console):
        yield _opponent(name, scorer, f"{epochs} epochs", console)


def _of_vectors(
    encoded: EncodedTransactions,
    days: Slice,
    methods: Mapping[str, Callable[[_Vectors], Scorer]],
    values: Sequence[_Value],
    learn: Callable[[EncodedTransactions, _Value], _Vectors],
    console: Console,
) -> Iterator[tuple[str, _Value, Scorer]]:
    """Methods that share their vectors, learned once per value: name, chosen value, scorer."""
    learned = cache(learn)

    def fit(name: str, baskets: EncodedTransactions, value: _Value) -> Scorer:
        return methods[name](learned(baskets, value))

    for name in methods:
        with _fitting(console, name):
            value = days.best(values, partial(fit, name, days.past))
            scorer = fit(name, encoded, value)
        yield name, value, scorer


def _fitting(console: Console, name: str) -> AbstractContextManager[None]:
    return stage(console, f"Opponent: {name}")


def _opponent(name: str, scorer: Scorer, settings: str, console: Console) -> Opponent:
    console.print(f"  [dim]{name}: {settings}[/]", highlight=False)
    return Opponent(name, top(scorer), settings)
