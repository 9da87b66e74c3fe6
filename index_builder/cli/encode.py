"""`rtt2vec-build encode`: from a table of transactions to tables of integers."""

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from index_builder.cli.options import DatasetOption, PathOption, TransactionsOption, console
from index_builder.cli.reading_options import reading_options
from index_builder.progress import stage
from index_builder.transactions.encoding.encoded_tables import replacing_tables
from index_builder.transactions.encoding.encoding import encode_lines
from index_builder.transactions.encoding.engines import EngineName, engine_of
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Dataset, read_source_lines


@reading_options
def encode(
    reading: Reading,
    transactions: TransactionsOption = None,
    dataset: DatasetOption = Dataset.COMPLETEJOURNEY,
    path: PathOption = None,
    out: Annotated[Path, typer.Option(help="Folder of the encoded tables.")] = Path("encoded"),
    engine: Annotated[
        EngineName, typer.Option(help="What joins and groups the lines.")
    ] = EngineName.POLARS,
    spark: Annotated[
        list[str] | None,
        typer.Option(help="name=value of the Spark session, spark.master=…; may be repeated."),
    ] = None,
) -> None:
    """Turn a shop's transactions into tables of integers, which a build can start from.

    Every engine writes the same tables.

      rtt2vec-build encode --transactions shop --out encoded

      rtt2vec-build --encoded encoded --products products.csv
    """
    session = _session(spark or [], engine)
    with replacing_tables(out) as (tables, work), engine_of(engine, work, session) as started:
        lines = CheckedLines(work / "lines", reading.guests)
        with stage(console, "Reading"):
            table, source = read_source_lines(transactions, dataset, path, reading, lines)
        with stage(console, f"Encoding ({engine})"):
            summary = encode_lines(lines, table, source, started, tables, work)
    console.print(summary)
    command = f"rtt2vec-build --encoded {escape(str(out))}"
    console.print(f"[green]✓[/] {escape(str(out))}: {command}", soft_wrap=True)


def _session(pairs: list[str], engine: EngineName) -> dict[str, str]:
    if pairs and engine is not EngineName.SPARK:
        raise typer.BadParameter(f"expected --spark with --engine spark, found it with {engine}")
    if any("=" not in pair for pair in pairs):
        raise typer.BadParameter(f"expected name=value, found {pairs}")
    return {name: value for name, _, value in (pair.partition("=") for pair in pairs)}
