"""The options that tell how a shop's data are read; several commands have them."""

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from index_builder.transactions import line_files, products
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Format, FormatError
from index_builder.transactions.tables.timestamps import TimestampFormat

_COLUMNS = {*products.COLUMNS, *products.OPTIONAL_COLUMNS}
_COLUMNS |= {*line_files.COLUMNS, *line_files.OPTIONAL_COLUMNS}


def reading_options(command: Callable[..., None]) -> Callable[..., None]:
    """Gives a command these options; it takes all of them as one argument, `reading`."""
    own = inspect.signature(command, eval_str=True).parameters
    shared = inspect.signature(_reading).parameters

    @functools.wraps(command)
    def run(*arguments: Any, **options: Any) -> None:
        given = {name: options.pop(name) for name in shared}
        command(*arguments, reading=_reading(**given), **options)

    parameters = [*(each for name, each in own.items() if name != "reading"), *shared.values()]
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in parameters]
    vars(run)["__signature__"] = inspect.Signature(named)  # what Typer reads the options from
    return run


def _reading(
    encoding: Annotated[
        str | None, typer.Option(help="Of CSV files, cp1252 say.  [default: UTF-8]")
    ] = None,
    separator: Annotated[
        str | None, typer.Option(help="Of CSV files: one character, or tab.  [default: found]")
    ] = None,
    escape: Annotated[
        str | None,
        typer.Option(help='What stands before a " inside quotation marks: \\ as MySQL writes it.'),
    ] = None,
    no_quotes: Annotated[
        bool, typer.Option("--no-quotes", help="Quotation marks enclose nothing: they are data.")
    ] = False,
    column: Annotated[
        list[str] | None,
        typer.Option(help="wanted=found, user_id=Customer or timestamp=Day+Time; may be repeated."),
    ] = None,
    missing: Annotated[
        str | None,
        typer.Option(
            help="Values that mean nothing, NULL,-1 say; '' for empty fields alone. Lines without "
            "item, basket or timestamp are left out; those without user are a guest's."
        ),
    ] = None,
    guest: Annotated[
        list[str] | None,
        typer.Option(help="A user who stands for many: no profile of it; may be repeated."),
    ] = None,
    timestamp_format: Annotated[
        str | None,
        typer.Option(help="%d/%m/%Y say, or epoch-s, epoch-ms, excel.  [default: ISO 8601]"),
    ] = None,
    timezone: Annotated[
        str | None,
        typer.Option(help="Of timestamps that name none: Europe/Berlin say.  [default: UTC]"),
    ] = None,
) -> Reading:
    unknown = {each.partition("=")[0] for each in column or []} - _COLUMNS
    if unknown:
        expected = ", ".join(sorted(_COLUMNS))
        raise typer.BadParameter(f"column: expected one of {expected}, found {min(unknown)!r}")
    try:
        return Reading(
            Format.of(encoding, separator, escape, not no_quotes, column or []),
            TimestampFormat.of(timestamp_format, timezone),
            None if missing is None else frozenset(missing.split(",")) - {""},
            frozenset(guest or []),
        )
    except FormatError as error:
        raise typer.BadParameter(str(error)) from error
