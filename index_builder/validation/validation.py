"""Validation: the last days before the cut choose epochs, weights, ranker and basket score."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from math import isnan

import polars as pl
from pydantic import JsonValue
from rich.console import Console

from index_builder.basket_score import ScoreExamples, TrainedScore, score_examples, train_score
from index_builder.bundle.contents import with_trees
from index_builder.config import BuildConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.embeddings.training import train_epochs
from index_builder.measuring.quality import Measured, Quality, quality_table
from index_builder.progress import stage
from index_builder.ranker.training import train_ranker
from index_builder.ranker.training_examples import TrainingExamples, training_examples
from index_builder.ranker.windows import (
    Window,
    set_aside,
    training_baskets,
    window_contents,
    windows,
)
from index_builder.transactions.encoded.held_out import HeldOut
from index_builder.transactions.errors import TooFewBasketsError
from index_builder.transactions.transactions import Transactions
from index_builder.validation.blending import (
    BLENDED,
    GRID,
    GRID_WITHOUT_HISTORY,
    UNBLENDED,
    best_weights,
)
from index_builder.validation.comparison import compare
from index_builder.validation.early_stopping import exact_bundle, train_until_best
from service.bundle.bundle import BundleContents, preview_bundle
from service.recommending.ranking.trees import Trees
from service.recommending.weights import Weights

_FEWEST_BASKETS = 30
_DEFAULT_EPOCHS = 6
_CONTENTS = "Index, histories, neighbours"  # title of a stage

_Examples = tuple[TrainingExamples, ScoreExamples | None]


@dataclass(frozen=True)
class Choice:
    """The values that validation chose.

    Attributes:
        epochs: after which training ends.
        weights: of the parts of a score.
        vectors_alone: the same without history.
        trees: of the ranker; None if there are too few baskets to learn from.
        score: the basket score; likewise.
        metrics: quality on the validation baskets, for the manifest.
        measured: every method on these baskets, by name; empty if there are too few.
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
    """Trains on the baskets before the latest window, and measures on baskets of this window.

    With too few baskets, the choice is the defaults, and the console says so.

    Args:
        transactions: all of them; those of `until` or later have no influence.
        products: as `read_products` returns them.
        config: of the build.
        until: the cut, naive UTC.
        console: where progress is shown.
    """
    try:
        with stage(console, "Windows"):
            found = list(windows(transactions, products, config, until))
    except TooFewBasketsError as error:
        return _defaults(config, console, str(error).splitlines()[0])
    latest = found[0]
    baskets, others = set_aside(latest, config)
    if len(baskets) < _FEWEST_BASKETS:
        found_few = f"{len(baskets)} baskets of 5 known items or more to validate on"
        return _defaults(config, console, found_few)
    epochs, embeddings = train_until_best(latest, baskets, config, console)
    with stage(console, "Blending"):
        weights, vectors_alone = _weights(latest, embeddings, baskets, config)
    ranked = bool(others)
    with stage(console, _CONTENTS):
        contents = window_contents(
            latest, embeddings, weights, vectors_alone, config, ranked=ranked
        )
    trees, score = None, None
    if ranked:
        examples = _examples(found, contents, others, epochs, weights, config, console)
        trees = _train_ranker([each for each, _ in examples], config, console)
        contents = with_trees(contents, trees)
        if of_score := [each for _, each in examples if each is not None]:
            score = _train_score(of_score, contents, baskets, config, console)
    with stage(console, "Comparing"):
        measured = compare(preview_bundle(contents), baskets)
    rows = {name: each.quality for name, each in measured.items()}
    title = f"Validation: {len(baskets)} baskets since {latest.since:%Y-%m-%d}"
    console.print(quality_table(rows, title))
    metrics: dict[str, JsonValue] = {"since": latest.since.isoformat(), "epochs": epochs}
    metrics |= {name: _finite(quality) for name, quality in rows.items()}
    facts: dict[str, JsonValue] = {"validation": metrics}
    if score is not None:
        facts["basket_score"] = score.metrics
    return Choice(epochs, weights, vectors_alone, trees, score, facts, measured)


def _weights(
    window: Window, embeddings: Embeddings, baskets: Sequence[HeldOut], config: BuildConfig
) -> tuple[Weights, Weights]:
    """The best weights with history, and without. Their bundle, a large one, ends with this."""
    bundle = exact_bundle(window, embeddings, config)
    weights, _ = best_weights(bundle, baskets, GRID)
    vectors_alone, _ = best_weights(bundle, baskets, GRID_WITHOUT_HISTORY)
    return weights, vectors_alone


def _examples(
    found: Sequence[Window],
    contents: BundleContents,
    others: Sequence[HeldOut],
    epochs: int,
    weights: Weights,
    config: BuildConfig,
    console: Console,
) -> list[_Examples]:
    """The examples of all windows; `contents` and `others` are those of the latest, the first."""
    latest, *earlier = training_baskets(found, config)
    examples = [_window_examples(contents, latest, others, config, console)]
    for window, baskets in zip(found[1:], earlier, strict=True):
        examples.append(_past_examples(window, baskets, epochs, weights, config, console))
    return examples


def _past_examples(
    window: Window,
    baskets: Sequence[HeldOut],
    epochs: int,
    weights: Weights,
    config: BuildConfig,
    console: Console,
) -> _Examples:
    """Those of an earlier window. Its contents, large ones, end with this."""
    title = f"Learning from {window.since:%Y-%m-%d}"
    embeddings = train_epochs(window.encoded, config.train, epochs, console, title)
    with stage(console, _CONTENTS):
        contents = window_contents(window, embeddings, weights, weights, config, ranked=True)
    return _window_examples(contents, baskets, window.baskets, config, console)


def _window_examples(
    contents: BundleContents,
    baskets: Sequence[HeldOut],
    whole: Sequence[HeldOut],
    config: BuildConfig,
    console: Console,
) -> _Examples:
    seed = config.train.seed
    with stage(console, f"Training examples, from {len(baskets):,} baskets"):
        of_ranker = training_examples(preview_bundle(contents), baskets, config.ranker, seed)
    if not config.score.enabled:
        return of_ranker, None
    with stage(console, "Training examples of the basket score"):
        return of_ranker, score_examples(preview_bundle(contents), whole, config.score, seed)


def _train_ranker(
    examples: Sequence[TrainingExamples], config: BuildConfig, console: Console
) -> Trees:
    with stage(console, f"Ranker, from {sum(len(each.sizes) for each in examples):,} baskets"):
        return train_ranker(examples, config.ranker, config.train.threads, config.train.seed)


def _train_score(
    examples: Sequence[ScoreExamples],
    contents: BundleContents,
    baskets: Sequence[HeldOut],
    config: BuildConfig,
    console: Console,
) -> TrainedScore | None:
    n_baskets = sum(len(each.sizes) for each in examples)
    with stage(console, f"Basket score, from {n_baskets:,} baskets"):
        threads, seed = config.train.threads, config.train.seed
        return train_score(examples, contents, baskets, config.score, threads, seed)


def _defaults(config: BuildConfig, console: Console, found: str) -> Choice:
    console.print(f"[yellow]No validation:[/] {found}. Epochs and weights have default values.")
    epochs = min(_DEFAULT_EPOCHS, config.train.most_epochs)
    return Choice(epochs, BLENDED, UNBLENDED, None, None, {"validation": None}, {})


def _finite(quality: Quality) -> dict[str, JsonValue]:
    return {name: None if isnan(value) else value for name, value in asdict(quality).items()}
