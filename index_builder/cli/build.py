"""`rtt2vec-build` without a command: from a table of transactions to a bundle."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from index_builder.build import build as build_bundle
from index_builder.cli.build_options import build_options
from index_builder.cli.options import (
    OutOption,
    UntilOption,
    console,
    given_options,
    grouped,
    moment_of,
    source_options,
)
from index_builder.cli.reading_options import reading_options
from index_builder.config import BuildConfig
from index_builder.embeddings.checkpoints import remove_checkpoints
from index_builder.progress import stage
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source, read_encoded, read_source
from service.support.files import try_to_write_into


@grouped(source=source_options, config=build_options, reading=reading_options)
def build(
    context: typer.Context,
    *,
    source: Source,
    encoded: Annotated[
        Path | None, typer.Option(help="Folder of rtt2vec-build encode, instead of --transactions.")
    ] = None,
    out: OutOption = Path("bundles"),
    until: UntilOption = None,
    config: BuildConfig,
    strict: Annotated[
        bool, typer.Option("--strict", help="Fail unless it beats the simplest ways to rank.")
    ] = False,
    reading: Reading,
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
    checkpoints, products = config.train.checkpoints, source.products
    if encoded is not None and source != Source(products=products):
        raise typer.BadParameter("expected --encoded alone, found it beside other transactions")
    if config.new_items and (source.transactions or encoded) is not None and products is None:
        raise typer.BadParameter("expected --products beside --new-items: which items are new?")
    for folder in filter(None, (out, checkpoints)):
        try_to_write_into(folder)
    with stage(console, "Reading"):
        if encoded is not None:
            table, catalogue = read_encoded(encoded, products, reading)
        else:
            table, catalogue = read_source(source, reading)
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
