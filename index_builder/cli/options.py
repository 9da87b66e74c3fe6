"""What the commands of `rtt2vec-build` share: options, and the console they report on."""

import functools
import inspect
from collections.abc import Callable, Iterator
from datetime import datetime
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from index_builder.config import AssociationRulesConfig
from index_builder.transactions.source import Dataset, Source
from index_builder.transactions.tables.timestamps import naive_utc

console = Console(stderr=True)

_RULES = AssociationRulesConfig()

TransactionsOption = Annotated[
    Path | None,
    typer.Option(help="Parquet or CSV: user_id, basket_id, item_id, timestamp."),
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


def grouped(**groups: Callable[..., Any]) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a command the options of functions, one group for each of these parameters.

    Typer reads options from a signature. The command gets those of each group where the parameter
    stands, and takes as this parameter what the group's function makes of them. Groups may have
    groups themselves.
    """

    def of(command: Callable[..., Any]) -> Callable[..., Any]:
        own = inspect.signature(command, eval_str=True).parameters
        theirs = {name: inspect.signature(each, eval_str=True) for name, each in groups.items()}

        @functools.wraps(command)
        def run(**options: Any) -> Any:
            for name, group in groups.items():
                given = {each: options.pop(each) for each in theirs[name].parameters}
                options[name] = group(**given)
            return command(**options)

        parameters = chain.from_iterable(
            theirs[name].parameters.values() if name in theirs else [each]
            for name, each in own.items()
        )
        named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
        vars(run)["__signature__"] = inspect.Signature(named)
        return run

    return of


def source_options(
    transactions: TransactionsOption = None,
    products: Annotated[
        Path | None,
        typer.Option(help="Parquet or CSV: item_id, name, department, category, subcategory."),
    ] = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
) -> Source:
    """Where transactions come from."""
    return Source(transactions, products, dataset, path)


def rules_options(
    min_support: Annotated[
        float | None,
        typer.Option(
            help="Minimum share of all baskets that hold both sides of a rule. "
            f"[default: {_RULES.min_support}, between categories {_RULES.taxonomy_min_support}]",
            min=0,
            max=1,
        ),
    ] = None,
    min_baskets: Annotated[
        int, typer.Option(help="Minimum number of baskets that hold both sides.", min=1)
    ] = _RULES.min_baskets,
    min_confidence: Annotated[
        float, typer.Option(help="Minimum confidence.", min=0, max=1)
    ] = _RULES.min_confidence,
    min_lift: Annotated[float, typer.Option(help="Minimum lift.", min=0)] = _RULES.min_lift,
    max_length: Annotated[
        int, typer.Option(help="Maximum number of items of a rule, both sides.", min=2, max=5)
    ] = _RULES.max_length,
) -> AssociationRulesConfig:
    """The thresholds of rules; a support that is given holds for the taxonomy too."""
    thresholds: dict[str, float] = {
        "min_baskets": min_baskets,
        "min_confidence": min_confidence,
        "min_lift": min_lift,
        "max_length": max_length,
    }
    if min_support is not None:
        thresholds |= {"min_support": min_support, "taxonomy_min_support": min_support}
    return AssociationRulesConfig.model_validate(thresholds)


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
