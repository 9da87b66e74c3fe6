"""`rtt2vec-build` without a command: from a table of transactions to a bundle."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from index_builder.build import build as build_bundle
from index_builder.cli.options import (
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
    given_options,
    moment_of,
    numbers_of,
    rules_config,
)
from index_builder.cli.reading_options import reading_options
from index_builder.config import (
    Backend,
    BuildConfig,
    IndexConfig,
    Objective,
    RankerConfig,
    TrainConfig,
)
from index_builder.embeddings.checkpoints import remove_checkpoints
from index_builder.progress import stage
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Dataset, read_encoded, read_source
from service.support.files import try_to_write_into

_TRAIN, _INDEX, _BUILD = TrainConfig(), IndexConfig(), BuildConfig()


@reading_options
def build(
    context: typer.Context,
    reading: Reading,
    transactions: TransactionsOption = None,
    products: ProductsOption = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    encoded: Annotated[
        Path | None, typer.Option(help="Folder of rtt2vec-build encode, instead of --transactions.")
    ] = None,
    out: OutOption = Path("bundles"),
    until: UntilOption = None,
    min_item_baskets: Annotated[
        int, typer.Option(help="Baskets an item needs to be recommended.", min=1)
    ] = _BUILD.min_item_baskets,
    dimension: Annotated[
        int, typer.Option(help="Length of the vectors.", min=1)
    ] = _TRAIN.dimension,
    negatives: Annotated[
        int, typer.Option(help="Noise samples per term of triple2vec.", min=1)
    ] = _TRAIN.negatives,
    objective: Annotated[
        Objective, typer.Option(help="What training maximises.")
    ] = _TRAIN.objective,
    epochs: Annotated[
        int | None,
        typer.Option(
            help="Most times that each line of the baskets is used. "
            "[default: 5; for triple2vec 20]",
            min=1,
        ),
    ] = None,
    max_triples: Annotated[
        int | None,
        typer.Option(
            help="Ends training after so many triples, whatever --epochs says; basket completion "
            "after so many lines of baskets, each counted as often as it is used.",
            min=1,
        ),
    ] = None,
    checkpoints: Annotated[
        Path | None,
        typer.Option(
            help="Folder where training keeps its state, to go on from there if it is killed."
        ),
    ] = None,
    threads: Annotated[int, typer.Option(help="Training threads.", min=1)] = _TRAIN.threads,
    seed: SeedOption = _TRAIN.seed,
    backend: Annotated[Backend, typer.Option(help="Retrieval backend.")] = _INDEX.backend,
    index_parameter: Annotated[
        list[str] | None, typer.Option(help="name=number, for the index; may be repeated.")
    ] = None,
    new_items: Annotated[
        bool,
        typer.Option("--new-items", help="Take products without enough purchases in as well."),
    ] = False,
    ranker: Annotated[bool, typer.Option(help="Whether to train a ranker.")] = True,
    min_support: MinSupportOption = None,
    min_baskets: MinBasketsOption = _BUILD.rules.min_baskets,
    min_confidence: MinConfidenceOption = _BUILD.rules.min_confidence,
    min_lift: MinLiftOption = _BUILD.rules.min_lift,
    max_length: MaxLengthOption = _BUILD.rules.max_length,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless it beats the simplest ways to rank.")
    ] = False,
) -> None:
    """Learn from a shop's transactions and write a bundle that rtt2vec-serve answers from.

    Without --transactions the demo data are used: The Complete Journey, a year of a grocery chain.

      rtt2vec-build --transactions shop.parquet --products products.csv

      rtt2vec-build --until 2017-12-01 && rtt2vec-build evaluate
    """
    if context.invoked_subcommand is not None:
        _refuse_misplaced_options(context)
        return
    moment = moment_of(until)
    config = BuildConfig(
        min_item_baskets=min_item_baskets,
        new_items=new_items,
        train=TrainConfig(
            objective=objective,
            dimension=dimension,
            negatives=negatives,
            epochs=epochs,
            max_triples=max_triples,
            checkpoints=checkpoints,
            threads=threads,
            seed=seed,
        ),
        index=IndexConfig(backend=backend, parameters=numbers_of(index_parameter or [])),
        ranker=RankerConfig(enabled=ranker),
        rules=rules_config(min_support, min_baskets, min_confidence, min_lift, max_length),
    )
    others = (transactions, path, None if dataset is Dataset.COMPLETEJOURNEY else dataset)
    if encoded is not None and any(each is not None for each in others):
        raise typer.BadParameter("expected --encoded alone, found it beside other transactions")
    if new_items and (transactions or encoded) is not None and products is None:
        raise typer.BadParameter("expected --products beside --new-items: which items are new?")
    for folder in filter(None, (out, checkpoints)):
        try_to_write_into(folder)
    with stage(console, "Reading"):
        if encoded is not None:
            table, catalogue = read_encoded(encoded, products, reading)
        else:
            table, catalogue = read_source(transactions, products, dataset, path, reading)
    console.print(table.summary)
    bundle = build_bundle(table, catalogue, config, out, moment, console, strict)
    if checkpoints is not None:
        remove_checkpoints(checkpoints)
    done = f"{escape(str(bundle))} is current: rtt2vec-serve --bundle {escape(str(out))}"
    console.print(f"[green]✓[/] {done}", soft_wrap=True)


def _refuse_misplaced_options(context: typer.Context) -> None:
    """Options in front of a command are those of the build; the command would ignore them."""
    for option, _ in given_options(context):
        command = context.invoked_subcommand
        raise typer.BadParameter(f"expected {option} behind {command}, found it in front")
