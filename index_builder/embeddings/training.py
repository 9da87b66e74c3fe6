"""A training run of a given number of epochs, with its progress bar."""

from rich.console import Console

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.embeddings.triple2vec import Step, train
from index_builder.progress import training_progress
from index_builder.transactions.encoding import EncodedTransactions


def train_epochs(
    encoded: EncodedTransactions,
    config: TrainConfig,
    epochs: int,
    console: Console,
    title: str = "Training",
) -> Embeddings:
    """Trains on `epochs` triples per line of the baskets.

    Raises:
        TrainingError: see `index_builder.embeddings.triple2vec.train`.
    """
    triples = epochs * len(encoded.basket_items)
    with training_progress(console, title, triples) as progress:

        def on_step(step: Step, _: Embeddings) -> bool:
            progress.show(step.triples, step.loss)
            return False

        return train(encoded, encoded.n_items, encoded.n_user_rows, config, triples, on_step)
