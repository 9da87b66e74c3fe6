"""`rtt2vec-build rules`: association rules as a CSV table."""

from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from index_builder.bundle.contents import catalogue_of
from index_builder.cli.options import (
    UntilOption,
    console,
    grouped,
    moment_of,
    rules_options,
    source_options,
)
from index_builder.cli.reading_options import reading_options
from index_builder.config import AssociationRulesConfig
from index_builder.statistics.rules.association_rules import AssociationRules, association_rules
from index_builder.statistics.rules.baskets import read_baskets
from index_builder.statistics.rules.files import write_rules
from index_builder.statistics.rules.levels import item_rules, level_rules
from index_builder.statistics.rules.thresholds import Mine, lower_thresholds
from index_builder.transactions.encoded.encoding import encode
from index_builder.transactions.errors import SourceError
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Source, read_source
from service.support.files import try_to_write


class Between(StrEnum):
    """The kind of both sides of a rule."""

    ITEM = "item"
    DEPARTMENT = "department"
    CATEGORY = "category"
    SUBCATEGORY = "subcategory"


@grouped(source=source_options, config=rules_options, reading=reading_options)
def rules(
    *,
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    source: Source,
    baskets: Annotated[
        Path | None,
        typer.Option(help="A file of one basket per line, items between separators."),
    ] = None,
    until: UntilOption = None,
    level: Annotated[Between, typer.Option(help="The sides of a rule.")] = Between.ITEM,
    config: AssociationRulesConfig,
    reading: Reading,
) -> None:
    """Mine association rules and write them as CSV, the largest lift first."""
    try_to_write(out)
    if baskets is None:
        mine, names = _of_transactions(source, until, level, reading)
    elif source != Source(dataset=source.dataset) or until or level is not Between.ITEM:
        raise SourceError("--baskets holds items alone: expected no other source, cut or level.")
    else:
        mine, names = _of_baskets(baskets, reading)
    found = mine(config)
    write_rules(out, found, names)
    console.print(f"{len(found.lift):,} rules in {escape(str(out))}", soft_wrap=True)
    if not found.complete:
        console.print(
            f"[yellow]Longer rules were left out:[/] more than {config.most_itemsets:,} itemsets "
            f"of one length, or {2 * config.most_itemsets:,} pairs. Raise --min-support.",
            soft_wrap=True,
        )
    elif not len(found.lift):
        _say_what_would_help(mine, config)


def _say_what_would_help(mine: Mine, config: AssociationRulesConfig) -> None:
    lower = list(lower_thresholds(mine, config))
    if not lower:
        console.print("[yellow]No basket holds two items:[/] there is nothing to find.")
        return
    console.print("[yellow]No rule reaches all thresholds.[/] Lower ones would give some:")
    for options, n_rules in lower:
        console.print(f"  {options}: {n_rules:,} rules", highlight=False, soft_wrap=True)


def _of_baskets(path: Path, reading: Reading) -> tuple[Mine, list[str]]:
    items, indptr, names, remarks = read_baskets(path, reading)
    n_baskets = len(indptr) - 1
    console.print(f"{n_baskets:,} baskets, {len(names):,} items")
    for remark in remarks:
        console.print(f"[yellow]⚠[/] {escape(remark)}.", highlight=False, soft_wrap=True)

    def mine(config: AssociationRulesConfig) -> AssociationRules:
        return association_rules(indptr, items, len(names), n_baskets, config.min_support, config)

    return mine, names


def _of_transactions(
    source: Source, until: str | None, level: Between, reading: Reading
) -> tuple[Mine, list[str]]:
    moment = moment_of(until)
    table, catalogue = read_source(source, reading)
    console.print(table.summary)
    # All items: the thresholds of the rules leave out the rare ones.
    encoded = encode(table, catalogue, 1, moment)
    console.print(encoded)
    if level is Between.ITEM:
        return partial(item_rules, encoded), encoded.items["item_id"].to_list()
    found = catalogue_of(encoded).taxonomy._asdict()[level]
    return partial(level_rules, encoded, found), found.names
