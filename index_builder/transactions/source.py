"""The source of a command's transactions: a shop's own files, or a known data set."""

from dataclasses import replace
from enum import StrEnum
from pathlib import Path

import polars as pl

from index_builder.transactions.datasets import completejourney, instacart
from index_builder.transactions.errors import SourceError
from index_builder.transactions.products import read_noted_products
from index_builder.transactions.reading import Reading
from index_builder.transactions.transactions import Transactions, read_transactions


class Dataset(StrEnum):
    """The data sets that have an adapter."""

    COMPLETEJOURNEY = "completejourney"
    INSTACART = "instacart"


def read_source(
    transactions: Path | None,
    products: Path | None,
    dataset: Dataset,
    path: Path | None,
    reading: Reading | None = None,
) -> tuple[Transactions, pl.DataFrame | None]:
    """Reads the shop's own files if they are named, otherwise the data set.

    Args:
        transactions: Parquet or CSV.
        products: Parquet or CSV; only with `transactions`.
        dataset: used without `transactions`.
        path: folder of a data set that is not packaged; only with its name.
        reading: what is known of the shop's own files.

    Raises:
        DataError: the options do not go together, or the data cannot be used.
    """
    if path is not None and (transactions is not None or dataset is not Dataset.INSTACART):
        raise SourceError(f"--path {path} is read only with --dataset {Dataset.INSTACART}.")
    if transactions is not None:
        table = read_transactions(transactions, reading)
        if products is None:
            return table, None
        described, notices = read_noted_products(products, reading)
        summary = replace(table.summary, notices=(*table.summary.notices, *notices))
        return replace(table, summary=summary), described
    if reading not in (None, Reading()):
        raise SourceError(
            "Options for reading need --transactions: expected the file that they describe."
        )
    if products is not None:
        raise SourceError("--products needs --transactions: expected both, found products alone.")
    if dataset is Dataset.COMPLETEJOURNEY:
        return completejourney.read()
    if path is None:
        raise SourceError(f"--dataset {dataset} needs --path, the folder with its CSV files.")
    return instacart.read(path)
