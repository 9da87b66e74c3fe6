"""The source of a command's transactions: a shop's own files, or a known data set."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple

import polars as pl

from index_builder.transactions.datasets import completejourney, instacart
from index_builder.transactions.encoding.encoded_tables import read_encoded_tables
from index_builder.transactions.encoding.kept_lines import KeptLines
from index_builder.transactions.encoding.lines import CheckedLines
from index_builder.transactions.errors import SourceError
from index_builder.transactions.line_files import read_lines
from index_builder.transactions.products import read_noted_products, read_products
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Table
from index_builder.transactions.tables.timestamps import TimestampFormat
from index_builder.transactions.transactions import (
    Transactions,
    read_transactions,
    transactions_in,
)


class Dataset(StrEnum):
    """The data sets that have an adapter."""

    COMPLETEJOURNEY = "completejourney"
    INSTACART = "instacart"


class Source(NamedTuple):
    """Where transactions come from.

    Attributes:
        transactions: Parquet or CSV.
        products: Parquet or CSV; only with `transactions`.
        dataset: used without `transactions`.
        path: folder of a data set that is not packaged; only with its name.
    """

    transactions: Path | None = None
    products: Path | None = None
    dataset: Dataset = Dataset.COMPLETEJOURNEY
    path: Path | None = None


def read_source(
    source: Source, reading: Reading | None = None
) -> tuple[Transactions, pl.DataFrame | None]:
    """Reads the shop's own files if they are named, otherwise the data set.

    Args:
        source: where they come from.
        reading: what is known of the shop's own files.

    Raises:
        DataError: the options do not go together, or the data cannot be used.
    """
    _refuse_what_does_not_go_together(source, reading)
    transactions, products, dataset, path = source
    if transactions is not None:
        table = read_transactions(transactions, reading)
        if products is None:
            return table, None
        described, notices = read_noted_products(products, reading)
        summary = replace(table.summary, notices=(*table.summary.notices, *notices))
        return replace(table, summary=summary), described
    if products is not None:
        raise SourceError("--products needs --transactions: expected both, found products alone.")
    if dataset is Dataset.COMPLETEJOURNEY:
        return completejourney.read()
    return instacart.read(_folder(dataset, path))


def read_source_lines(
    source: Source, reading: Reading, lines: CheckedLines, kept: KeptLines | None = None
) -> tuple[Table, str]:
    """Reads the lines of the shop's own files if they are named, otherwise of the data set.

    Args:
        source: where they come from; its products are not read.
        reading: what is known of the shop's own files.
        lines: take the rows.
        kept: lines of files that need not be read again.

    Returns:
        What is known of the lines, without them, and the name of the source.

    Raises:
        DataError: as in `read_source`.
    """
    _refuse_what_does_not_go_together(source, reading)
    transactions, _, dataset, path = source
    if transactions is not None:
        return read_lines(transactions, reading, lines, kept), str(transactions)
    if dataset is Dataset.COMPLETEJOURNEY:
        return lines.add(completejourney.read_lines()), completejourney.NAME
    return instacart.read_lines(_folder(dataset, path), lines), instacart.NAME


def read_encoded(
    encoded: Path, products: Path | None, reading: Reading
) -> tuple[Transactions, pl.DataFrame | None]:
    """Reads encoded tables, and products: the shop's own or, of The Complete Journey, its own.

    Args:
        encoded: the folder of `rtt2vec-build encode`.
        products: as in `Source`.
        reading: what is known of the products.

    Raises:
        DataError: the tables or the products cannot be used, or an option for reading is one that
            `encode` has to be told.
    """
    of_products = replace(reading, timestamps=TimestampFormat(), guests=frozenset())
    if reading != (Reading() if products is None else of_products):
        raise SourceError(
            f"{encoded}: the lines were read before, so that options for reading change nothing.\n"
            "Give them to rtt2vec-build encode; here, only those of --products."
        )
    tables = read_encoded_tables(encoded)
    if products is not None:
        return transactions_in(tables), read_products(products, reading)
    of_demo = tables.summary.source == completejourney.NAME
    return transactions_in(tables), completejourney.read_products() if of_demo else None


def _refuse_what_does_not_go_together(source: Source, reading: Reading | None) -> None:
    transactions, _, dataset, path = source
    if transactions is not None and transactions.parts[:1] == ("s3:",):
        raise SourceError(
            f"{transactions}: only rtt2vec-build encode reads s3://.\n"
            "Encode, and go on with --encoded; or copy the files to this machine."
        )
    if path is not None and (transactions is not None or dataset is not Dataset.INSTACART):
        raise SourceError(f"--path {path} is read only with --dataset {Dataset.INSTACART}.")
    if transactions is None and reading not in (None, Reading()):
        raise SourceError(
            "Options for reading need --transactions: expected the file that they describe."
        )


def _folder(dataset: Dataset, path: Path | None) -> Path:
    if path is None:
        raise SourceError(f"--dataset {dataset} needs --path, the folder with its CSV files.")
    return path
