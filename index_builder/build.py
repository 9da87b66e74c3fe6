"""The build: transactions → validation → embeddings → index → association rules → bundle."""

from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import polars as pl
from rich.console import Console

from index_builder.bundle.contents import (
    assemble,
    why_no_lists,
    with_association_rules,
    with_closest,
    with_ranker,
    with_score,
    with_substitutes,
    with_trees,
)
from index_builder.config import BuildConfig
from index_builder.embeddings.new_items import with_new_vectors
from index_builder.embeddings.training import train_epochs
from index_builder.index.tuning import check_index_config, tune_index
from index_builder.progress import stage
from index_builder.transactions.encoded.encoding import encode, with_new_items
from index_builder.transactions.errors import EmptyDataError
from index_builder.transactions.tables.timestamps import naive_utc
from index_builder.transactions.transactions import Transactions
from index_builder.validation.publish_gate import enforce, gate_result
from index_builder.validation.validation import validate
from service.bundle.bundle import write_bundle
from service.support.forgotten_users import ForgottenUsers
from service.support.validity import latest


def build(
    transactions: Transactions,
    products: pl.DataFrame | None,
    config: BuildConfig,
    out: Path,
    until: datetime | None,
    console: Console,
    strict: bool = False,
) -> Path:
    """Builds a bundle from the baskets that began before `until`, and makes it current.

    Args:
        transactions: all of them.
        products: as `read_products` returns them; None names every item by its id.
        config: the settings of the build.
        out: directory of bundles.
        until: the cut, naive UTC; None, or a moment in the future, takes all baskets.
        console: where progress is shown.
        strict: whether a build is refused that does not pass the publish gate.

    Returns:
        The directory of the bundle.

    Raises:
        PublishGateError: the build was refused.
        ForgottenUsersError: the list of forgotten users in `out` cannot be read.
        EmptyDataError: all users were forgotten.
        TooFewBasketsError: no basket holds two items that are bought often enough.
        TrainingError: the vectors are not finite, or all alike.
        RetrievalError: the index cannot be built as configured.
        IndexRecallError: the index misses its recall target.
        OSError: `out` cannot be written to.
    """
    check_index_config(config.index)
    out.mkdir(parents=True, exist_ok=True)
    transactions = _counting(transactions, out, console)
    as_of = _cut(transactions, until)
    with stage(console, "Encoding"):
        encoded = encode(transactions, products, config.min_item_baskets, as_of)
    console.print(encoded)
    choice = validate(transactions, products, config, as_of, console)
    result = gate_result(choice.measured, config.train.seed)
    enforce(result, strict, console)
    embeddings = train_epochs(encoded, config.train, choice.epochs, console)
    if config.new_items and products is not None:
        console.print(f"{encoded.n_items:,} items bought often enough, and new ones:", end=" ")
        encoded = with_new_items(encoded, products)
        embeddings = with_new_vectors(embeddings, encoded.items)
        console.print(f"{encoded.n_items:,} in all")
    index = partial(tune_index, config=config.index)
    with stage(console, f"Index ({config.index.backend})"):
        contents = assemble(
            encoded,
            embeddings,
            config,
            as_of,
            index,
            choice.weights,
            choice.vectors_alone,
            {**choice.metrics, "publish_gate": result.facts()},
        )
        if choice.trees is not None:
            contents = with_trees(with_ranker(contents, encoded, config.ranker), choice.trees)
        if choice.score is not None:
            contents = with_score(contents, choice.score.personal, choice.score.population)
    with stage(console, "Closest items"):
        contents = with_closest(contents, encoded, config)
    if reason := why_no_lists(contents, config.index):
        console.print(f"[yellow]{reason}[/]", highlight=False, soft_wrap=True)
    with stage(console, "Association rules"):
        contents = with_association_rules(contents, encoded, config.rules)
    with stage(console, "Substitutes"):
        contents = with_substitutes(contents, encoded, config.substitutes)
    with stage(console, "Bundle"):
        return write_bundle(out, contents)


def _cut(transactions: Transactions, until: datetime | None) -> datetime:
    """The moment of the bundle: purchases before it count as learned from, later ones as new."""
    # One second after the last basket, since a cut excludes its own moment.
    after_all = transactions.last + timedelta(seconds=1)
    # A moment that is still to come would make live purchases old before they happen.
    known = until is not None and until <= naive_utc(latest(datetime.now(UTC)))
    return until if until is not None and known else after_all


def _counting(transactions: Transactions, out: Path, console: Console) -> Transactions:
    """The transactions without those that users wanted to be forgotten."""
    kept = transactions.without(ForgottenUsers(out).now())
    if left_out := transactions.baskets.n_lines - kept.baskets.n_lines:
        console.print(f"{left_out:,} lines of forgotten users left out")
    if not len(kept.baskets):
        raise EmptyDataError(f"{out}: expected lines of users who are not forgotten, found none.")
    return kept
