"""`rtt2vec-build fold-in`: users who came after the build, added without retraining."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from index_builder.bundle.fold_in import with_folded_in_users
from index_builder.cli.options import (
    DatasetOption,
    PathOption,
    TransactionsOption,
    UntilOption,
    console,
    grouped,
    moment_of,
)
from index_builder.cli.reading_options import reading_options
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Dataset, Source, read_source
from service.bundle.bundle import load_bundle, write_bundle
from service.support.files import try_to_write_into
from service.support.forgotten_users import ForgottenUsers


@grouped(reading=reading_options)
def fold_in(
    *,
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
    reading: Reading,
) -> None:
    """Add users who came after the build, without retraining, and make the result current.

    All baskets of these users count, also those after the build's cut, but for those of forgotten
    users. The answers to all other users stay as they are. Users of an earlier fold-in are folded
    in again.
    """
    moment = moment_of(until)
    loaded = load_bundle(bundle)
    out = out or loaded.path.parent
    try_to_write_into(out)
    table, _ = read_source(Source(transactions, None, dataset, path), reading)
    console.print(table.summary)
    for each in (ForgottenUsers.beside(bundle), ForgottenUsers(out)):
        table = table.without(each.now())
    contents = with_folded_in_users(loaded, table.until(moment) if moment else table)
    written = write_bundle(out, contents)
    dropped = len(set(loaded.user_ids) - set(contents.user_ids))
    if dropped:
        console.print(
            f"[yellow]{dropped:,} users of an earlier fold-in[/] are not in these transactions."
        )
    added = f"{len(contents.user_ids) - loaded.n_trained_users:,} users folded in"
    console.print(f"[green]✓[/] {escape(str(written))} is current: {added}", soft_wrap=True)
