"""The validation slice: the last days before the cut decide when to stop and how to blend."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isnan

import numpy as np
import polars as pl
from pydantic import JsonValue
from rich.console import Console

from index_builder.basket_score import ScoreExamples, TrainedScore, score_examples, train_score
from index_builder.bundle.contents import assemble, with_trees
from index_builder.config import BuildConfig
from index_builder.embeddings.training import train_epochs
from index_builder.embeddings.triple2vec import Embeddings, Step, train
from index_builder.index.tuning import BuiltIndex
from index_builder.measuring.quality import K, Measured, Quality, quality_table
from index_builder.progress import stage, training_progress
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import TrainingExamples, training_examples
from index_builder.ranker.windows import Window, learned_from, set_aside, window_contents, windows
from index_builder.transactions.errors import TooFewBasketsError
from index_builder.transactions.held_out import HeldOut
from index_builder.transactions.transactions import Transactions
from index_builder.validation.blending import (
    BLENDED,
    GRID,
    GRID_WITHOUT_HISTORY,
    UNBLENDED,
    best_weights,
)
from index_builder.validation.comparison import compare
from service.bundle.bundle import Bundle, BundleContents, preview_bundle
from service.recommending.ranking.trees import Trees
from service.recommending.weights import Weights
from service.retrieval.exact import Exact
from service.support.array_types import Float32

__all__ = ["Choice", "validate"]


_FEWEST_BASKETS = 30
_CHECK_BASKETS = 300
_CHECK_EPOCHS = 2
_PATIENCE = 3  # checks without a better one, then training stops

_DEFAULT_EPOCHS = 6


@dataclass(frozen=True)
class Choice:
    """What the validation slice chose.

    Attributes:
        epochs: triples per line of the training baskets.
        weights: of the parts of a score.
        vectors_alone: the same without history.
        trees: of the ranker; None if the record is too small to learn them from.
        score: of baskets; likewise.
        metrics: how good that was, for the manifest.
        measured: every method on the slice, by name; empty if the record is too small for one.
    """

    epochs: int
    weights: Weights
    vectors_alone: Weights
    trees: Trees | None
    score: TrainedScore | None
    metrics: dict[str, JsonValue]
    measured: Mapping[str, Measured] = field(compare=False)


def validate(
    transactions: Transactions,
    products: pl.DataFrame | None,
    config: BuildConfig,
    until: datetime,
    console: Console,
) -> Choice:
    """Trains on what came before the slice and tries it on the slice.

    A record too small to spare a slice gets the defaults, and the console says so.
    """
    try:
        with stage(console, "Windows"):
            latest, *earlier = windows(transactions, products, config, until)
    except TooFewBasketsError as error:
        return _defaults(console, str(error).splitlines()[0])
    baskets, others = set_aside(latest, config)
    if len(baskets) < _FEWEST_BASKETS:
        return _defaults(console, f"{len(baskets)} baskets of 5 known items or more to validate on")
    epochs, embeddings = _stop_in_time(latest, baskets, config, console)
    with stage(console, "Blending"):
        bundle = _try(latest, embeddings, config)
        weights, _ = best_weights(bundle, baskets, GRID)
        vectors_alone, _ = best_weights(bundle, baskets, GRID_WITHOUT_HISTORY)
    contents = window_contents(
        latest, embeddings, weights, vectors_alone, config, ranked=bool(others)
    )
    trees, score = None, None
    if others:
        latest_baskets, *earlier_baskets = learned_from([latest, *earlier], config)
        taught = [_training_examples(contents, latest_baskets, config, console)]
        scored = [_score_examples(contents, others, config, console)]
        for window, known in zip(earlier, earlier_baskets, strict=True):
            title = f"Learning from {window.since:%Y-%m-%d}"
            embeddings = train_epochs(window.encoded, config.train, epochs, console, title)
            past = window_contents(window, embeddings, weights, weights, config, ranked=True)
            taught.append(_training_examples(past, known, config, console))
            scored.append(_score_examples(past, window.baskets, config, console))
        with stage(console, f"Ranker, from {sum(len(each.sizes) for each in taught):,} baskets"):
            trees = train_ranker(taught, config.ranker, config.train.threads, config.train.seed)
        contents = with_trees(contents, trees)
        score = _score(scored, contents, baskets, config, console)
    with stage(console, "Comparing"):
        measured = compare(preview_bundle(contents), baskets)
    rows = {name: each.quality for name, each in measured.items()}
    title = f"Validation: {len(baskets)} baskets since {latest.since:%Y-%m-%d}"
    console.print(quality_table(rows, title))
    metrics: dict[str, JsonValue] = {"since": latest.since.isoformat(), "epochs": epochs}
    metrics.update((name, _finite(quality)) for name, quality in rows.items())
    found: dict[str, JsonValue] = {"validation": metrics}
    if score is not None:
        found["basket_score"] = score.metrics
    return Choice(epochs, weights, vectors_alone, trees, score, found, measured)


def _training_examples(
    contents: BundleContents, baskets: Sequence[HeldOut], config: BuildConfig, console: Console
) -> TrainingExamples:
    with stage(console, f"Lessons, from {len(baskets):,} baskets"):
        return training_examples(
            preview_bundle(contents), baskets, config.ranker, config.train.seed
        )


def _score_examples(
    contents: BundleContents, baskets: Sequence[HeldOut], config: BuildConfig, console: Console
) -> ScoreExamples | None:
    if not config.score.enabled:
        return None
    with stage(console, "Lessons of the basket score"):
        return score_examples(preview_bundle(contents), baskets, config.score, config.train.seed)


def _score(
    scored: Sequence[ScoreExamples | None],
    contents: BundleContents,
    baskets: Sequence[HeldOut],
    config: BuildConfig,
    console: Console,
) -> TrainedScore | None:
    taught = [each for each in scored if each is not None]
    if not taught:
        return None
    with stage(console, f"Basket score, from {sum(len(each.sizes) for each in taught):,} baskets"):
        threads, seed = config.train.threads, config.train.seed
        return train_score(taught, contents, baskets, config.score, threads, seed)


def _defaults(console: Console, found: str) -> Choice:
    console.print(f"[yellow]No validation:[/] {found}. Stopping and blending by default values.")
    return Choice(_DEFAULT_EPOCHS, BLENDED, UNBLENDED, None, None, {"validation": None}, {})


def _stop_in_time(
    window: Window, baskets: Sequence[HeldOut], config: BuildConfig, console: Console
) -> tuple[int, Embeddings]:
    """Trains until recall on the slice no longer grows; returns the best moment."""
    encoded = window.encoded
    lines = len(encoded.basket_items)
    rng = np.random.default_rng(config.train.seed)
    few = [baskets[b] for b in rng.permutation(len(baskets))[:_CHECK_BASKETS]]
    best: tuple[float, int, Embeddings] | None = None
    checks = 0

    with training_progress(console, "Validating", config.train.epochs * lines) as progress:

        def on_step(step: Step, embeddings: Embeddings) -> bool:
            nonlocal best, checks
            note = f"recall@{K} {best[0]:.3f} after {best[1]} epochs" if best else ""
            progress.show(step.triples, step.loss, note)
            epochs = step.triples // lines
            if epochs < (checks + 1) * _CHECK_EPOCHS:
                return False
            checks += 1
            bundle = _try(window, embeddings, config)
            _, recall = best_weights(bundle, few, GRID_WITHOUT_HISTORY)
            if best is None or recall > best[0]:
                best = recall, epochs, Embeddings(*map(np.copy, vars(embeddings).values()))
            return epochs - best[1] >= _PATIENCE * _CHECK_EPOCHS

        last = train(
            encoded,
            encoded.n_items,
            encoded.n_users,
            config.train,
            config.train.epochs * lines,
            on_step,
        )
    return (best[1], best[2]) if best else (config.train.epochs, last)


def _try(window: Window, embeddings: Embeddings, config: BuildConfig) -> Bundle:
    """A bundle in memory that searches exactly, so that only the vectors are judged."""
    return preview_bundle(
        assemble(window.encoded, embeddings, config, window.since, _exactly, UNBLENDED, UNBLENDED)
    )


def _exactly(rows: Float32, _queries: Float32) -> BuiltIndex:
    return BuiltIndex(Exact(rows), 1.0)


def _finite(quality: Quality) -> dict[str, JsonValue]:
    return {name: None if isnan(value) else value for name, value in asdict(quality).items()}
