"""Early stopping: training ends when recall on held-out baskets no longer grows.

This is for triple2vec, whose user vectors memorise. Basket completion is best at the end of its
schedule, when the learning rate has fallen to zero.
"""

from collections.abc import Sequence

import numpy as np
from rich.console import Console

from index_builder.bundle.contents import assemble
from index_builder.config import BuildConfig, Objective
from index_builder.embeddings.embeddings import Embeddings, Step
from index_builder.embeddings.training import train, train_epochs
from index_builder.index.tuning import BuiltIndex
from index_builder.measuring.quality import K
from index_builder.progress import training_progress
from index_builder.ranker.windows import Window
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.validation.blending import GRID_WITHOUT_HISTORY, UNBLENDED, best_weights
from service.bundle.bundle import Bundle, preview_bundle
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32

_CHECK_BASKETS = 300
_CHECK_EPOCHS = 2  # between two checks
_PATIENCE = 3  # checks without a better recall, then training stops


def train_until_best(
    window: Window, baskets: Sequence[HeldOut], config: BuildConfig, console: Console
) -> tuple[int, Embeddings]:
    """Trains on the baskets before the window; triple2vec until recall no longer grows.

    Args:
        window: whose training baskets are used.
        baskets: of the window; some of them are used for the checks.
        config: of the build.
        console: where progress is shown.

    Returns:
        The epochs of the best check, and the embeddings at that moment.
    """
    encoded = window.encoded
    if config.train.objective is Objective.COMPLETION:
        most = config.train.most_epochs
        return most, train_epochs(encoded, config.train, most, console, "Validating")
    lines = len(encoded.basket_items)
    most = config.train.most_epochs
    rng = np.random.default_rng(config.train.seed)
    few = [baskets[b] for b in rng.permutation(len(baskets))[:_CHECK_BASKETS]]
    best: tuple[float, int, Embeddings] | None = None
    checks = 0

    with training_progress(console, "Validating", most * lines) as progress:

        def on_step(step: Step, embeddings: Embeddings) -> bool:
            nonlocal best, checks
            note = f"recall@{K} {best[0]:.3f} after {best[1]} epochs" if best else ""
            progress.show(step.lines, step.loss, note)
            epochs = step.lines // lines
            if epochs < (checks + 1) * _CHECK_EPOCHS:
                return False
            checks += 1
            bundle = exact_bundle(window, embeddings, config)
            _, recall = best_weights(bundle, few, GRID_WITHOUT_HISTORY)
            if best is None or recall > best[0]:
                best = recall, epochs, Embeddings(*map(np.copy, vars(embeddings).values()))
            return epochs - best[1] >= _PATIENCE * _CHECK_EPOCHS

        # What the checks have found is not kept, so this training begins anew if it is killed.
        last = train(encoded, config.train.model_copy(update={"checkpoints": None}), most, on_step)
    return (best[1], best[2]) if best else (most, last)


def exact_bundle(window: Window, embeddings: Embeddings, config: BuildConfig) -> Bundle:
    """A bundle in memory that searches exactly, so that the index has no influence."""
    return preview_bundle(
        assemble(window.encoded, embeddings, config, window.since, _exactly, UNBLENDED, UNBLENDED)
    )


def _exactly(rows: Float32, _queries: Float32) -> BuiltIndex:
    return BuiltIndex(Exact(rows), 1.0)
