"""The validation slice: the last days before the cut decide when to stop and how to blend."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from math import isnan

import numpy as np
import numpy.typing as npt
import polars as pl
from pydantic import JsonValue
from rich.console import Console

from index_builder.config import BuildConfig
from index_builder.contents import assemble, with_ranker, with_trees
from index_builder.data_errors import TooFewBasketsError
from index_builder.encoding import EncodedBaskets, EncodedTransactions, encode, encode_baskets
from index_builder.evaluate import compare
from index_builder.held_out import HeldOut, held_out
from index_builder.progress import stage, training_progress
from index_builder.quality import K, Measured, Quality, quality_table
from index_builder.ranker import train_ranker
from index_builder.transactions import Transactions
from index_builder.triple2vec import Embeddings, Step, train
from service.aggregate import Candidates, Weights
from service.bundle import Bundle, preview_bundle
from service.recommender import Recommender
from service.retrieval import Retrieval
from service.retrieval.exact import Exact
from service.settings import Settings
from service.trees import Trees

__all__ = ["Choice", "set_aside", "validate"]

Float32 = npt.NDArray[np.float32]

_MOST_BASKETS = 1000
_FEWEST_BASKETS = 30
_VALIDATION_SHARE = 0.2  # of the slice; the ranker learns from the rest
_FEWEST_RANKED = 300
_MOST_RANKED = 20_000
_SLICE_SHARE = 0.2  # a slice takes at most this share of a short record
_CHECK_BASKETS = 300
_CHECK_EPOCHS = 2
_PATIENCE = 3  # checks without a better one, then training stops

_UNBLENDED = Weights(user=0.5, popularity=1, history=0)
_DEFAULT = Weights(user=0.5, popularity=1, history=4)
_DEFAULT_EPOCHS = 6
_COMBINATIONS = [
    Weights(user, popularity, history)
    for user in (0.03, 0.06, 0.125, 0.25, 0.5, 1.0)
    for popularity in (0.125, 0.25, 0.5, 1.0, 2.0)
    for history in (0.0, 0.5, 1.0, 2.0, 4.0, 8.0)
]
# The default stands first: where several do best, the first of them is taken.
_GRID = [_DEFAULT, *_COMBINATIONS]
_GRID_WITHOUT_HISTORY = [_UNBLENDED, *(each for each in _COMBINATIONS if not each.history)]


@dataclass(frozen=True)
class Choice:
    """What the validation slice chose.

    Attributes:
        epochs: triples per line of the training baskets.
        weights: of the parts of a score.
        vectors_alone: the same without history.
        trees: of the ranker; None if the record is too small to learn them from.
        metrics: how good that was, for the manifest.
        measured: every method on the slice, by name; empty if the record is too small for one.
    """

    epochs: int
    weights: Weights
    vectors_alone: Weights
    trees: Trees | None
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
    since = _slice_start(transactions, until, config)
    try:
        encoded = encode(transactions, products, config.min_item_baskets, since)
    except TooFewBasketsError as error:
        return _defaults(console, str(error).splitlines()[0])
    later = transactions.since(since).until(until)
    slice_baskets = encode_baskets(later, encoded.item_index, encoded.user_index)
    baskets, others = set_aside(slice_baskets, config)
    if len(baskets) < _FEWEST_BASKETS:
        return _defaults(console, f"{len(baskets)} baskets of 5 known items or more to validate on")
    epochs, embeddings = _stop_in_time(encoded, baskets, config, since, console)
    bundle = _try(encoded, embeddings, config, since)
    weights, _ = _best(bundle, baskets, _GRID)
    vectors_alone, _ = _best(bundle, baskets, _GRID_WITHOUT_HISTORY)
    contents = assemble(encoded, embeddings, config, since, _exactly, weights, vectors_alone)
    trees = None
    if others:
        with stage(console, f"Ranker, from {len(others):,} baskets"):
            contents = with_ranker(contents, encoded, config.ranker, None)
            trees = train_ranker(
                preview_bundle(contents),
                others,
                config.ranker,
                config.train.threads,
                config.train.seed,
            )
            contents = with_trees(contents, trees)
    measured = compare(preview_bundle(contents), baskets)
    rows = {name: each.quality for name, each in measured.items()}
    console.print(quality_table(rows, f"Validation: {len(baskets)} baskets since {since:%Y-%m-%d}"))
    metrics: dict[str, JsonValue] = {"since": since.isoformat(), "epochs": epochs}
    metrics.update((name, _finite(quality)) for name, quality in rows.items())
    return Choice(epochs, weights, vectors_alone, trees, {"validation": metrics}, measured)


def set_aside(baskets: EncodedBaskets, config: BuildConfig) -> tuple[list[HeldOut], list[HeldOut]]:
    """Baskets to validate on and, if they are many, others for the ranker, split several times."""
    seed = config.train.seed
    splits = [held_out(baskets, seed + split) for split in range(config.ranker.splits)]
    n = len(splits[0])
    order = np.random.default_rng(seed).permutation(n)
    n_validation = min(_MOST_BASKETS, round(_VALIDATION_SHARE * n))
    if not config.ranker.enabled or n - n_validation < _FEWEST_RANKED:
        return [splits[0][basket] for basket in order[:_MOST_BASKETS]], []
    others = order[n_validation:][:_MOST_RANKED]
    return (
        [splits[0][basket] for basket in order[:n_validation]],
        [split[basket] for split in splits for basket in others],
    )


def _slice_start(transactions: Transactions, until: datetime, config: BuildConfig) -> datetime:
    first: datetime = transactions.lines["begun_at"].item(0)
    return until - min(timedelta(days=config.validation_days), _SLICE_SHARE * (until - first))


def _defaults(console: Console, found: str) -> Choice:
    console.print(f"[yellow]No validation:[/] {found}. Stopping and blending by default values.")
    return Choice(_DEFAULT_EPOCHS, _DEFAULT, _UNBLENDED, None, {"validation": None}, {})


def _stop_in_time(
    encoded: EncodedTransactions,
    baskets: Sequence[HeldOut],
    config: BuildConfig,
    since: datetime,
    console: Console,
) -> tuple[int, Embeddings]:
    """Trains until recall on the slice no longer grows; returns the best moment."""
    lines = len(encoded.basket_items)
    rng = np.random.default_rng(config.train.seed)
    few = [baskets[b] for b in rng.permutation(len(baskets))[:_CHECK_BASKETS]]
    best: tuple[float, int, Embeddings] | None = None
    checks = 0

    with training_progress(console, "Validating", config.train.epochs * lines) as progress:

        def on_step(step: Step, embeddings: Embeddings) -> bool:
            nonlocal best, checks
            note = f"recall@{K} {best[0]:.3f} after {best[1]} epochs" if best else ""
            progress.show(step, note)
            epochs = step.triples // lines
            if epochs < (checks + 1) * _CHECK_EPOCHS:
                return False
            checks += 1
            bundle = _try(encoded, embeddings, config, since)
            _, recall = _best(bundle, few, _GRID_WITHOUT_HISTORY)
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


def _try(
    encoded: EncodedTransactions,
    embeddings: Embeddings,
    config: BuildConfig,
    as_of: datetime,
    weights: Weights = _UNBLENDED,
    vectors_alone: Weights = _UNBLENDED,
) -> Bundle:
    """A bundle in memory that searches exactly, so that only the vectors are judged."""
    return preview_bundle(
        assemble(encoded, embeddings, config, as_of, _exactly, weights, vectors_alone)
    )


def _best(
    bundle: Bundle, baskets: Sequence[HeldOut], grid: Sequence[Weights]
) -> tuple[Weights, float]:
    """The weights of a grid that find the most, and the recall they reach."""
    settings = Settings.model_construct()  # the defaults, whatever RTT2VEC_… says here
    recommender = Recommender(bundle, settings, weights=_UNBLENDED)
    item_ids, user_ids = bundle.catalogue.item_ids, bundle.user_ids
    scored = [
        recommender.shortlist(user_ids[basket.user], [item_ids[i] for i in basket.given]).candidates
        for basket in baskets
    ]
    recalls = [_mean_recall(scored, baskets, weights) for weights in grid]
    best = int(np.argmax(recalls))
    return grid[best], recalls[best]


def _mean_recall(
    scored: Sequence[Candidates], baskets: Sequence[HeldOut], weights: Weights
) -> float:
    recalls = []
    for candidates, basket in zip(scored, baskets, strict=True):
        scores = candidates.score(weights)
        best = np.argpartition(-scores, K)[:K] if len(scores) > K else np.arange(len(scores))
        recalls.append(np.isin(basket.targets, candidates.items[best]).mean())
    return float(np.mean(recalls))


def _exactly(rows: Float32, _queries: Float32) -> tuple[Retrieval, float]:
    return Exact(rows), 1.0


def _finite(quality: Quality) -> dict[str, JsonValue]:
    return {name: None if isnan(value) else value for name, value in asdict(quality).items()}
