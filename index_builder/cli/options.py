"""What the commands of `rtt2vec-build` share: options, and the console they report on."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from index_builder.config import AssociationRulesConfig
from index_builder.transactions.source import Dataset
from index_builder.transactions.tables.timestamps import naive_utc

console = Console(stderr=True)

TransactionsOption = Annotated[
    Path | None,
    typer.Option(help="Parquet or CSV: user_id, basket_id, item_id, timestamp."),
]
ProductsOption = Annotated[
    Path | None,
    typer.Option(help="Parquet or CSV: item_id, name, department, category, subcategory."),
]
DatasetOption = Annotated[Dataset, typer.Option(help="Data set used without --transactions.")]
PathOption = Annotated[Path | None, typer.Option(help="Folder of the data set (instacart).")]
OutOption = Annotated[Path, typer.Option(help="Directory of bundles.")]
BundleOption = Annotated[
    Path, typer.Option("--bundle", "--out", help="A bundle, or a directory of bundles.")
]
SeedOption = Annotated[int, typer.Option(help="Seed of everything random.", min=0)]
UntilOption = Annotated[
    str | None,
    typer.Option(help="Use only baskets that began before this moment, e.g. 2017-12-01."),
]

_RULES = AssociationRulesConfig()
MinSupportOption = Annotated[
    float | None,
    typer.Option(
        help="Minimum share of all baskets that hold both sides of a rule. "
        f"[default: {_RULES.min_support}, between categories {_RULES.taxonomy_min_support}]",
        min=0,
        max=1,
    ),
]
MinBasketsOption = Annotated[
    int, typer.Option(help="Minimum number of baskets that hold both sides.", min=1)
]
MinConfidenceOption = Annotated[float, typer.Option(help="Minimum confidence.", min=0, max=1)]
MinLiftOption = Annotated[float, typer.Option(help="Minimum lift.", min=0)]
MaxLengthOption = Annotated[
    int, typer.Option(help="Maximum number of items of a rule, both sides.", min=2, max=5)
]


def given_options(context: typer.Context) -> Iterator[tuple[str, object]]:
    """Yields the options of the command line, as "--name", with their values."""
    for name, value in context.params.items():
        source = context.get_parameter_source(name)
        if source is not None and source.name == "COMMANDLINE":
            yield f"--{name.replace('_', '-')}", value


def moment_of(text: str | None) -> datetime | None:
    """Reads a moment, as naive UTC."""
    if text is None:
        return None
    try:
        return naive_utc(datetime.fromisoformat(text))
    except (ValueError, OverflowError) as error:
        raise typer.BadParameter(f"expected ISO 8601, e.g. 2017-12-01, found {text!r}") from error


def numbers_of(pairs: list[str]) -> dict[str, int]:
    """Reads `name=number` pairs."""
    try:
        return {name: int(value) for name, value in (pair.split("=") for pair in pairs)}
    except ValueError as error:
        raise typer.BadParameter(f"expected name=number, found {pairs}") from error


def rules_config(
    min_support: float | None,
    min_baskets: int,
    min_confidence: float,
    min_lift: float,
    max_length: int,
) -> AssociationRulesConfig:
    """Makes the configuration; a support that is given holds for the taxonomy too."""
    thresholds: dict[str, float] = {
        "min_baskets": min_baskets,
        "min_confidence": min_confidence,
        "min_lift": min_lift,
        "max_length": max_length,
    }
    if min_support is not None:
        thresholds |= {"min_support": min_support, "taxonomy_min_support": min_support}
    return AssociationRulesConfig.model_validate(thresholds)
