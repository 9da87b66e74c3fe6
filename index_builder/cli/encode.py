"""`rtt2vec-build encode`: from a table of transactions to tables of integers."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, NamedTuple

import typer
from rich.markup import escape

from index_builder.cli.options import DatasetOption, PathOption, console, grouped
from index_builder.cli.reading_options import reading_options
from index_builder.progress import stage
from index_builder.transactions.copies import files_here, is_url, shown, table_here
from index_builder.transactions.encoding.encoded_tables import replacing_tables
from index_builder.transactions.encoding.encoding import encode_lines
from index_builder.transactions.encoding.engines import Catalogue, Engine, EngineName, engine_of
from index_builder.transactions.encoding.kept_lines import LINES, KeptLines, Origin
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.encoding.schemas import USER_CODES
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Dataset, Source, read_source_lines
from index_builder.transactions.tables import is_data_file


class _Chosen(NamedTuple):
    """An engine, and the settings of its session."""

    engine: EngineName
    session: dict[str, str]


def _engine(
    engine: Annotated[
        EngineName, typer.Option(help="What joins and groups the lines.")
    ] = EngineName.POLARS,
    spark: Annotated[
        list[str] | None,
        typer.Option(
            help="name=value of the Spark session, spark.master=… or spark.remote=sc://…; may be "
            "repeated."
        ),
    ] = None,
) -> _Chosen:
    pairs = spark or []
    if pairs and engine is not EngineName.SPARK:
        raise typer.BadParameter(f"expected --spark with --engine spark, found it with {engine}")
    if any("=" not in pair for pair in pairs):
        raise typer.BadParameter(f"expected name=value, found {pairs}")
    settings = {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
    return _Chosen(engine, settings)


@grouped(chosen=_engine, reading=reading_options)
def encode(
    *,
    transactions: Annotated[
        str | None,
        typer.Option(
            help="Parquet or CSV: user_id, basket_id, item_id, timestamp. A file, a folder, or a "
            "URL: s3://bucket/folder."
        ),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(help="A table that Spark knows, db.purchases say, instead of --transactions."),
    ] = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the encoded tables.")] = Path("encoded"),
    chosen: _Chosen,
    afresh: Annotated[
        bool,
        typer.Option("--afresh", help="Read all files again, also those that --out already knows."),
    ] = False,
    reading: Reading,
) -> None:
    """Turn a shop's transactions into tables of integers, which a build can start from.

    Every engine writes the same tables. Once more with the same --out, only files that are new or
    were changed are read.

      rtt2vec-build encode --transactions shop --out encoded

      rtt2vec-build --encoded encoded --products products.csv
    """
    engine = chosen.engine
    if table is not None and (transactions is not None or engine is not EngineName.SPARK):
        raise typer.BadParameter("expected --table with --engine spark, and no --transactions")
    if transactions is not None and not is_url(transactions):
        _refuse_what_is_read_again(Path(transactions).resolve(), out.resolve())
    origin = Origin(shown(transactions or ""), reading)
    with (
        replacing_tables(out) as (tables, work),
        engine_of(engine, work, chosen.session) as started,
    ):
        kept = KeptLines(None if afresh else out / LINES, origin, work / "kept")
        lines = CheckedLines(work / LINES, reading.guests)
        with _here(transactions, table, started, kept, reading, work / "copies") as files:
            with stage(console, "Reading"):
                named = Source(files, dataset=dataset, path=path)
                read, name = read_source_lines(named, reading, lines, kept)
            with stage(console, f"Encoding ({engine})"):
                source = shown(transactions) if transactions else table or name
                summary = encode_lines(lines, read, source, started, tables, work)
        kept.keep(lines, tables / LINES)
    console.print(summary)
    command = f"rtt2vec-build --encoded {escape(str(out))}"
    console.print(f"[green]✓[/] {escape(str(out))}: {command}", soft_wrap=True)


@contextmanager
def _here(
    transactions: str | None,
    table: str | None,
    engine: Engine,
    kept: KeptLines,
    reading: Reading,
    folder: Path,
) -> Iterator[Path | None]:
    """Yields the files of what was named, on this machine; None if nothing was."""
    if table is not None and isinstance(engine, Catalogue):
        with table_here(engine, table, reading.format, folder) as file:
            yield file
    elif transactions is not None:
        with files_here(transactions, folder, kept) as files:
            yield files
    else:
        yield None


def _refuse_what_is_read_again(transactions: Path, out: Path) -> None:
    """Refuses tables in a folder that is searched in depth: they would be the next lines."""
    if out.is_relative_to(transactions) and is_data_file(
        out.relative_to(transactions) / USER_CODES
    ):
        raise typer.BadParameter(
            f"expected --out outside of --transactions, or a name with a dot in front, found {out}"
        )
