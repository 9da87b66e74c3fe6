"""`rtt2vec-build`: from a table of transactions to a bundle, and what it is worth."""

import json
import sys
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from index_builder.build import build
from index_builder.bundle.fold_in import with_newcomers
from index_builder.cli.options import (
    BundleOption,
    DatasetOption,
    MaxLengthOption,
    MinBasketsOption,
    MinConfidenceOption,
    MinLiftOption,
    MinSupportOption,
    OutOption,
    PathOption,
    ProductsOption,
    SeedOption,
    TransactionsOption,
    UntilOption,
    console,
    moment_of,
    numbers_of,
    rules_config,
)
from index_builder.cli.publish_profiles import publish_profiles
from index_builder.cli.rules import rules
from index_builder.config import Backend, BuildConfig, IndexConfig, RankerConfig, TrainConfig
from index_builder.embeddings.triple2vec import TrainingError
from index_builder.index.tuning import IndexRecallError
from index_builder.measuring.quality import quality_table
from index_builder.progress import stage
from index_builder.transactions.encoding import encode_baskets
from index_builder.transactions.errors import DataError, NoHeldOutBasketsError
from index_builder.transactions.held_out import HeldOut, held_out
from index_builder.transactions.source import Dataset, read_source
from index_builder.transactions.transactions import Transactions
from index_builder.validation.publish_gate import PublishGateError
from service.bundle.bundle import Bundle, BundleError, load_bundle, write_bundle
from service.profiles.store.errors import ProfileStoreError
from service.retrieval import RetrievalError
from service.settings import Settings
from service.support.extras import ExtraMissingError

__all__ = ["main"]

_HELP = """Learn from a shop's transactions and write a bundle that rtt2vec-serve answers from.

Without --transactions the demo data are used: The Complete Journey, a year of a grocery chain.

  rtt2vec-build --transactions shop.parquet --products products.csv

  rtt2vec-build --until 2017-12-01 && rtt2vec-build evaluate
"""

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

# OSError: a file or directory that cannot be written.
_REFUSALS = (
    BundleError,
    DataError,
    ExtraMissingError,
    IndexRecallError,
    ProfileStoreError,
    PublishGateError,
    RetrievalError,
    TrainingError,
    OSError,
)

_TRAIN, _INDEX, _BUILD = TrainConfig(), IndexConfig(), BuildConfig()


@app.callback(invoke_without_command=True, help=_HELP)
def _build(
    context: typer.Context,
    transactions: TransactionsOption = None,
    products: ProductsOption = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    out: OutOption = Path("bundles"),
    until: UntilOption = None,
    min_item_baskets: Annotated[
        int, typer.Option(help="Baskets an item needs to be recommended.", min=1)
    ] = _BUILD.min_item_baskets,
    dimension: Annotated[
        int, typer.Option(help="Length of the vectors.", min=1)
    ] = _TRAIN.dimension,
    negatives: Annotated[
        int, typer.Option(help="Noise samples per term.", min=1)
    ] = _TRAIN.negatives,
    epochs: Annotated[
        int, typer.Option(help="Most triples per line of the baskets.", min=1)
    ] = _TRAIN.epochs,
    threads: Annotated[
        int, typer.Option(help="Training threads; 1 is bit-reproducible.", min=1)
    ] = _TRAIN.threads,
    seed: SeedOption = _TRAIN.seed,
    backend: Annotated[Backend, typer.Option(help="Index.")] = _INDEX.backend,
    index_parameter: Annotated[
        list[str] | None, typer.Option(help="name=number, for the index; may be repeated.")
    ] = None,
    ranker: Annotated[bool, typer.Option(help="Whether to learn a ranker.")] = True,
    min_support: MinSupportOption = None,
    min_baskets: MinBasketsOption = _BUILD.rules.min_baskets,
    min_confidence: MinConfidenceOption = _BUILD.rules.min_confidence,
    min_lift: MinLiftOption = _BUILD.rules.min_lift,
    max_length: MaxLengthOption = _BUILD.rules.max_length,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless it beats the simplest ways to rank.")
    ] = False,
) -> None:
    if context.invoked_subcommand is not None:
        _refuse_misplaced_options(context)
        return
    moment = moment_of(until)
    config = BuildConfig(
        min_item_baskets=min_item_baskets,
        train=TrainConfig(
            dimension=dimension, negatives=negatives, epochs=epochs, threads=threads, seed=seed
        ),
        index=IndexConfig(backend=backend, parameters=numbers_of(index_parameter or [])),
        ranker=RankerConfig(enabled=ranker),
        rules=rules_config(min_support, min_baskets, min_confidence, min_lift, max_length),
    )
    with stage(console, "Reading"):
        table, catalogue = read_source(transactions, products, dataset, path)
    console.print(table.summary)
    bundle = build(table, catalogue, config, out, moment, console, strict)
    done = f"{escape(str(bundle))} is current: rtt2vec-serve --bundle {escape(str(out))}"
    console.print(f"[green]✓[/] {done}", soft_wrap=True)


@app.command()
def evaluate(
    context: typer.Context,
    transactions: TransactionsOption = None,
    products: ProductsOption = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    bundle: BundleOption = Path("bundles"),
    report: Annotated[Path, typer.Option(help="Directory of the report.")] = Path("report"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out whatever has to be trained first.")
    ] = False,
    seed: SeedOption = 0,
    limit: Annotated[int | None, typer.Option(help="At most so many baskets.", min=1)] = None,
) -> None:
    """Judge a bundle, and other ways to rank, by the baskets that began after its cut."""
    # Here and not above: no other command needs matplotlib, and the second that it takes.
    from index_builder.evaluation.evaluate import evaluate as evaluate_bundle
    from index_builder.evaluation.report import write_report

    loaded, table, baskets = _held_out(transactions, products, dataset, path, bundle, seed, limit)
    evaluation = evaluate_bundle(loaded, table, baskets, seed, quick, console)
    source = transactions.name if transactions else table.summary.source
    written = write_report(evaluation, report, source, _command(context))
    title = f"{len(baskets):,} baskets since {loaded.manifest.as_of}, bundle {loaded.bundle_id}"
    rows = {name: measured.quality for name, measured in evaluation.methods.items()}
    Console().print(quality_table(rows, title))
    console.print(f"[green]✓[/] {escape(str(written))}", soft_wrap=True)


@app.command("fold-in")
def fold_in(
    transactions: TransactionsOption = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    bundle: Annotated[Path, typer.Option(help="A bundle, or a directory of bundles.")] = Path(
        "bundles"
    ),
    out: Annotated[
        Path | None, typer.Option(help="Directory of bundles; by default, where the bundle is.")
    ] = None,
    until: UntilOption = None,
) -> None:
    """Add users who came after the build, without retraining, and make the result current.

    All baskets of these users count, those after the build's cut as well. Everyone else's answers
    stay as they are. Newcomers of an earlier fold-in are folded in again.
    """
    moment = moment_of(until)
    loaded = load_bundle(bundle)
    table, _ = read_source(transactions, None, dataset, path)
    console.print(table.summary)
    contents = with_newcomers(loaded, table.until(moment) if moment else table)
    written = write_bundle(out or loaded.path.parent, contents)
    forgotten = len(set(loaded.user_ids) - set(contents.user_ids))
    if forgotten:
        console.print(f"[yellow]{forgotten:,} earlier newcomers[/] are not in these transactions.")
    added = f"{len(contents.user_ids) - loaded.n_trained_users:,} newcomers"
    console.print(f"[green]✓[/] {escape(str(written))} is current: {added}", soft_wrap=True)


@app.command("sample-requests")
def sample_requests(
    requests: Annotated[Path, typer.Option(help="File to write, one request per line.")],
    transactions: TransactionsOption = None,
    products: ProductsOption = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    bundle: BundleOption = Path("bundles"),
    seed: SeedOption = 0,
    limit: Annotated[int, typer.Option(help="At most so many.", min=1)] = 5000,
) -> None:
    """Write the inputs of real held-out baskets as bodies of POST /recommend, for load tests."""
    loaded, _, baskets = _held_out(transactions, products, dataset, path, bundle, seed, limit)
    basket_limit = Settings.model_construct().basket_limit
    baskets = [basket for basket in baskets if len(basket.given) <= basket_limit]
    with requests.open("w") as file:
        for basket in baskets:
            given = [loaded.catalogue.item_ids[item] for item in basket.given]
            body = {"user_id": loaded.user_ids[basket.user], "basket": given, "k": 20}
            file.write(json.dumps(body) + "\n")
    console.print(f"{len(baskets):,} requests in {escape(str(requests))}", soft_wrap=True)


app.command()(rules)
app.command("publish-profiles")(publish_profiles)


def _held_out(
    transactions: Path | None,
    products: Path | None,
    dataset: Dataset,
    path: Path | None,
    bundle: Path,
    seed: int,
    limit: int | None,
) -> tuple[Bundle, Transactions, list[HeldOut]]:
    """The bundle, all transactions, and the baskets that began after the cut."""
    loaded = load_bundle(bundle)
    table, _ = read_source(transactions, products, dataset, path)
    later = table.since(datetime.fromisoformat(loaded.manifest.as_of))
    # Whoever was folded in later has a history that may hold these very baskets.
    trained = dict(islice(loaded.user_index.items(), loaded.n_trained_users))
    encoded = encode_baskets(later, loaded.catalogue.index, trained)
    baskets = held_out(encoded, seed, limit)
    if not baskets:
        raise NoHeldOutBasketsError(
            f"{loaded.path}: expected baskets of 5 known items or more that began at "
            f"{loaded.manifest.as_of} or later, found none. "
            "Build with --until, a moment before the end of the transactions."
        )
    return loaded, table, baskets


def _refuse_misplaced_options(context: typer.Context) -> None:
    """What stands before a command is the build's, and would be ignored in silence."""
    for name in context.params:
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            option, command = f"--{name.replace('_', '-')}", context.invoked_subcommand
            raise typer.BadParameter(f"expected {option} behind {command}, found it in front")


def _command(context: typer.Context) -> str:
    """What was typed, without the directories of this machine."""
    words = ["rtt2vec-build", context.info_name or ""]
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            words.append(f"--{name.replace('_', '-')}")
            if not isinstance(value, bool):
                words.append(value.name if isinstance(value, Path) else str(value))
    return " ".join(words)


def main() -> None:
    """Run the command; a refusal is one message and exit status 1."""
    try:
        app()
    except _REFUSALS as error:
        console.print(f"[red]{type(error).__name__}[/]", highlight=False)
        console.print(str(error), markup=False, highlight=False, soft_wrap=True)
        sys.exit(1)
