"""A small shop's files, a build that takes half a second, and the command in this process."""

import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from index_builder.cli.main import main
from index_builder.config import BuildConfig, IndexConfig, TrainConfig
from index_builder.transactions.products import read_products
from index_builder.transactions.transactions import Transactions, read_transactions
from tests.data.tiny_shop import write_shop

QUICK = BuildConfig(
    train=TrainConfig(dimension=8, epochs=6, threads=1), index=IndexConfig(backend="exact")
)

Run = Callable[..., str]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process and returns what it said."""

    def run(*arguments: object, status: int = 0) -> str:
        monkeypatch.setattr(sys, "argv", ["rtt2vec-build", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        said = capsys.readouterr().err
        assert exit_.value.code == status, said
        assert "Traceback" not in said
        return said

    return run


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
