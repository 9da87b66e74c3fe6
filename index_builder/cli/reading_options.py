"""The options that tell how a shop's data are read; several commands have them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from index_builder.cli.options import grouped
from index_builder.transactions import line_files, products
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Format, FormatError
from index_builder.transactions.tables.timestamps import TimestampFormat

_COLUMNS = {*products.COLUMNS, *products.OPTIONAL_COLUMNS}
_COLUMNS |= {*line_files.COLUMNS, *line_files.OPTIONAL_COLUMNS}


def _format(
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
) -> Format:
    unknown = {each.partition("=")[0] for each in column or []} - _COLUMNS
    if unknown:
        expected = ", ".join(sorted(_COLUMNS))
        raise typer.BadParameter(f"column: expected one of {expected}, found {min(unknown)!r}")
    with _refused():
        return Format.of(encoding, separator, escape, not no_quotes, column or [])


@grouped(files=_format)
def reading_options(
    *,
    files: Format,
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
        typer.Option(help="Of files that name none: Europe/Berlin say.  [default: UTC]"),
    ] = None,
) -> Reading:
    """How a shop's data are read."""
    with _refused():
        return Reading(
            files,
            TimestampFormat.of(timestamp_format, timezone),
            None if missing is None else frozenset(missing.split(",")) - {""},
            frozenset(guest or []),
        )


@contextmanager
def _refused() -> Iterator[None]:
    """Turns a format that cannot be into a wrong option."""
    try:
        yield
    except FormatError as error:
        raise typer.BadParameter(str(error)) from error
