"""The opponents that learn vectors: item2vec, BB2vec, triple2vec and RTT2Vec as published."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, partial
from typing import TypeVar

from rich.console import Console

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.evaluation.baselines.methods.published import (
    rtt2vec,
    train_published,
    triple2vec,
    triple2vec_without_user,
)
from index_builder.evaluation.baselines.methods.skip_gram import (
    SkipGram,
    bb2vec,
    gensim_is_installed,
    item2vec,
    skip_gram,
)
from index_builder.evaluation.baselines.opponent import Opponent, fitting, tuned
from index_builder.evaluation.baselines.tuning import Slice
from index_builder.measuring.scorer import Scorer
from index_builder.transactions.encoded.encoding import EncodedTransactions

# The first value of each is the default, for too few baskets to tune on.
_NOISE_POWERS = (0.75, 0)
_EPOCHS = (4, 2, 8, 16)

_Value = TypeVar("_Value")
_Vectors = TypeVar("_Vectors")


def learned(
    encoded: EncodedTransactions, days: Slice, config: TrainConfig, console: Console
) -> Iterator[Opponent]:
    """item2vec and BB2vec if gensim is installed; then the vectors of triple2vec's papers.

    Args:
        encoded: the training baskets.
        days: choose the settings.
        config: threads and seed; for the vectors of the papers, negatives and learning rate too.
        console: where the settings are shown, and the opponents that are left out.
    """
    if gensim_is_installed():
        yield from _skip_grams(encoded, days, config, console)
    else:
        console.print("[yellow]item2vec and BB2vec are left out:[/] gensim is not installed.")
    yield from _published(encoded, days, config, console)


def _skip_grams(
    encoded: EncodedTransactions, days: Slice, config: TrainConfig, console: Console
) -> Iterator[Opponent]:
    def learn(baskets: EncodedTransactions, power: float) -> SkipGram:
        return skip_gram(baskets, power, config.threads, config.seed)

    methods = {"item2vec": item2vec, "BB2vec": bb2vec}
    for name, power, scorer in _of_vectors(encoded, days, methods, _NOISE_POWERS, learn, console):
        yield tuned(name, scorer, f"noise by count^{power}", console)


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
        yield tuned(name, scorer, f"{epochs} epochs", console)


def _of_vectors(
    encoded: EncodedTransactions,
    days: Slice,
    methods: Mapping[str, Callable[[_Vectors], Scorer]],
    values: Sequence[_Value],
    learn: Callable[[EncodedTransactions, _Value], _Vectors],
    console: Console,
) -> Iterator[tuple[str, _Value, Scorer]]:
    """Methods that share their vectors, learned once per value: name, chosen value, scorer."""
    once = cache(learn)

    def fit(name: str, baskets: EncodedTransactions, value: _Value) -> Scorer:
        return methods[name](once(baskets, value))

    for name in methods:
        with fitting(console, name):
            value = days.best(values, partial(fit, name, days.past))
            scorer = fit(name, encoded, value)
        yield name, value, scorer
