"""`rtt2vec-build evaluate`: a bundle and other ways to rank, judged by held-out baskets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from index_builder.cli.held_out_baskets import read_held_out
from index_builder.cli.options import (
    BundleOption,
    SeedOption,
    console,
    given_options,
    grouped,
    source_options,
)
from index_builder.cli.reading_options import reading_options
from index_builder.measuring.quality import quality_table
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source
from service.support.files import try_to_write_into


@grouped(source=source_options, reading=reading_options)
def evaluate(
    context: typer.Context,
    *,
    source: Source,
    bundle: BundleOption = Path("bundles"),
    report: Annotated[Path, typer.Option(help="Directory of the report.")] = Path("report"),
    quick: Annotated[
        bool, typer.Option("--quick", help="Leave out opponents that need training, and ablations.")
    ] = False,
    seed: SeedOption = 0,
    limit: Annotated[int | None, typer.Option(help="At most so many baskets.", min=1)] = None,
    reading: Reading,
) -> None:
    """Judge a bundle, and other ways to rank, by the baskets that began after its cut."""
    # Here and not above: no other command needs matplotlib, which takes a second to import.
    from index_builder.evaluation.evaluate import evaluate as evaluate_bundle
    from index_builder.evaluation.report import write_report

    try_to_write_into(report)
    loaded, table, baskets = read_held_out(source, reading, bundle, seed, limit)
    evaluation = evaluate_bundle(loaded, table, baskets, seed, quick, console)
    name = source.transactions.name if source.transactions else table.summary.source
    written = write_report(evaluation, report, name, _command(context))
    title = f"{len(baskets):,} baskets since {loaded.manifest.as_of}, bundle {loaded.bundle_id}"
    rows = {name: measured.quality for name, measured in evaluation.methods.items()}
    Console().print(quality_table(rows, title))
    console.print(f"[green]✓[/] {escape(str(written))}", soft_wrap=True)


def _command(context: typer.Context) -> str:
    """The command as it was typed, without the directories of this machine."""
    words = ["rtt2vec-build", context.info_name or ""]
    for option, value in given_options(context):
        words.append(option)
        if not isinstance(value, bool):
            words.append(value.name if isinstance(value, Path) else str(value))
    return " ".join(words)
