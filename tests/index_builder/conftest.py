"""A small shop's files, a build that takes half a second, and the command in this process."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from rich.console import Console

from index_builder.build import build
from index_builder.cli.main import main
from index_builder.config import BuildConfig, IndexConfig, TrainConfig
from index_builder.transactions.products import read_products
from index_builder.transactions.transactions import Transactions, read_transactions
from tests.data.tiny_shop import write_shop

QUICK = BuildConfig(
    train=TrainConfig(dimension=8, epochs=6, threads=1), index=IndexConfig(backend="exact")
)


def changed(**changes: Any) -> BuildConfig:
    """The quick configuration with changes, those of training by their own names."""
    document = QUICK.model_dump()
    for name, value in changes.items():
        part = document["train"] if name in document["train"] else document
        part[name] = value
    return BuildConfig.model_validate(document)


def built(
    out: Path,
    table: pl.DataFrame | None = None,
    config: BuildConfig = QUICK,
    until: datetime | None = None,
    console: Console | None = None,
) -> Path:
    """Writes the tiny shop's files beside `out`, reads them, and builds."""
    out.parent.mkdir(parents=True, exist_ok=True)
    transactions, products = write_shop(out.parent, table)
    return build(
        read_transactions(transactions),
        read_products(products),
        config,
        out,
        until,
        console or Console(quiet=True),
    )


@dataclass(frozen=True)
class Done:
    """What a command printed."""

    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs the command in this process; it must end with the given status."""

    def run(*arguments: object, status: int = 0) -> Done:
        monkeypatch.setattr(sys, "argv", ["rtt2vec-build", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        printed = capsys.readouterr()
        assert exit_.value.code == status, printed.err
        assert "Traceback" not in printed.err
        return Done(printed.out, printed.err)

    return run


def refused(run: Run, kind: str, *arguments: object) -> str:
    """Runs a command that must be refused; returns the message, which follows the error's kind."""
    said = run(*arguments, status=1).err
    assert kind in said.splitlines()
    return said.split(f"{kind}\n")[1].rstrip("\n")


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
