"""A training run by the configured objective, with its progress bar."""

from collections.abc import Callable

from rich.console import Console

from index_builder.config import Objective, TrainConfig
from index_builder.embeddings import triple2vec
from index_builder.embeddings.completion import completion
from index_builder.embeddings.embeddings import Embeddings, Step
from index_builder.progress import training_progress
from index_builder.transactions.encoded.encoding import EncodedTransactions


def train(
    encoded: EncodedTransactions,
    config: TrainConfig,
    epochs: int,
    on_step: Callable[[Step, Embeddings], bool],
) -> Embeddings:
    """Trains for so many epochs, unless `on_step` ends it earlier by returning True.

    Raises:
        TrainingError: see `completion.train` and `triple2vec.train`.
    """
    n_items = encoded.n_items
    if config.objective is Objective.COMPLETION:
        return completion.train(encoded, n_items, encoded.n_users, config, epochs, on_step)
    triples = _lines(encoded, config, epochs)
    return triple2vec.train(encoded, n_items, encoded.n_user_rows, config, triples, on_step)


def train_epochs(
    encoded: EncodedTransactions,
    config: TrainConfig,
    epochs: int,
    console: Console,
    title: str = "Training",
) -> Embeddings:
    """Trains for so many epochs, and shows the progress.

    Raises:
        TrainingError: see `train`.
    """
    with training_progress(console, title, _lines(encoded, config, epochs)) as progress:

        def on_step(step: Step, _: Embeddings) -> bool:
            progress.show(step.lines, step.loss)
            return False

        return train(encoded, config, epochs, on_step)


def _lines(encoded: EncodedTransactions, config: TrainConfig, epochs: int) -> int:
    """The lines that so many epochs use, or the most that are allowed."""
    lines = epochs * len(encoded.basket_items)
    return lines if config.max_triples is None else min(lines, config.max_triples)
