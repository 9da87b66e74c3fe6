"""A small shop's files, and a build that takes half a second."""

from pathlib import Path

import polars as pl
import pytest

from index_builder.config import BuildConfig, IndexConfig, TrainConfig
from index_builder.products import read_products
from index_builder.transactions import Transactions, read_transactions
from tests.data.tiny_shop import write_shop

QUICK = BuildConfig(
    train=TrainConfig(dimension=8, epochs=6, threads=1), index=IndexConfig(backend="exact")
)


@pytest.fixture(scope="session")
def shop_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The files of the tiny shop: transactions and products."""
    return write_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture(scope="session")
def transactions(shop_files: tuple[Path, Path]) -> Transactions:
    """The transactions of the tiny shop."""
    return read_transactions(shop_files[0])


@pytest.fixture(scope="session")
def products(shop_files: tuple[Path, Path]) -> pl.DataFrame:
    """The products of the tiny shop."""
    return read_products(shop_files[1])
