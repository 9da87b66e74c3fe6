"""The files of a folder: all that look like data are read, or the folder is refused."""

import os
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import pytest

from index_builder.transactions.errors import UnreadableFileError
from index_builder.transactions.products import read_products
from index_builder.transactions.tables import files_of
from index_builder.transactions.transactions import read_transactions
from tests.index_builder.conftest import Run, refused

LINES = "user_id,basket_id,item_id,timestamp\nann,b,milk,2017-12-01\n"


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """A folder with a file, and another one beside it."""
    (tmp_path / "shop" / "days").mkdir(parents=True)
    (tmp_path / "shop" / "days" / "1.csv").write_text(LINES)
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "2.csv").write_text(LINES)
    return tmp_path / "shop"


def test_a_link_to_a_file_is_read_and_so_is_a_link_that_is_named(shop: Path) -> None:
    (shop / "2.csv").symlink_to(shop.parent / "elsewhere" / "2.csv")
    assert files_of(shop) == [shop / "2.csv", shop / "days" / "1.csv"]
    link = shop.parent / "link"
    link.symlink_to(shop)
    assert files_of(link) == [link / "2.csv", link / "days" / "1.csv"]


@pytest.mark.parametrize(
    ("put", "found"),
    [
        (lambda at: at.symlink_to("gone"), "a link that leads nowhere"),
        (lambda at: at.symlink_to(at), "a link that leads nowhere"),
        (lambda at: at.symlink_to(at.parents[2] / "elsewhere"), "a link to a folder"),
        (lambda at: at.symlink_to(at.parent), "a link to a folder"),
    ],
    ids=["broken", "to itself", "to a folder", "to its own folder"],
)
@pytest.mark.parametrize("name", ["2.csv", "2018"])
def test_a_link_that_is_not_followed_is_named(
    put: Callable[[Path], None], found: str, name: str, shop: Path
) -> None:
    at = shop / "days" / name
    put(at)
    with pytest.raises(UnreadableFileError) as caught:
        files_of(shop)
    assert str(caught.value).startswith(f"{at}: expected a file or a folder, found {found}.")
    at.rename(at.with_name(f".{name}"))
    assert files_of(shop) == [shop / "days" / "1.csv"]


def test_a_pipe_is_named(shop: Path) -> None:
    os.mkfifo(shop / "2.csv")
    for path in (shop, shop / "2.csv"):
        with pytest.raises(UnreadableFileError, match=r"2\.csv: expected a file or a folder"):
            files_of(path)


def test_a_folder_that_cannot_be_opened_is_named(shop: Path) -> None:
    scandir = os.scandir

    def refusing(path: str) -> object:  # root can open all folders
        if str(path).endswith("days"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    with (
        patch("os.scandir", refusing),
        pytest.raises(UnreadableFileError, match=r"shop/days: cannot be read: Permission denied"),
    ):
        files_of(shop)


@pytest.mark.parametrize("name", [b"shop/caf\xe9.csv", b"shop/caf\xe9/1.csv", b"caf\xe9.csv"])
def test_a_name_that_is_not_utf_8_is_named(name: bytes, shop: Path) -> None:
    file = Path(os.fsdecode(os.fsencode(shop.parent) + b"/" + name))
    file.parent.mkdir(exist_ok=True)
    file.write_text(LINES)
    path = shop if name.startswith(b"shop") else file
    for read in (read_transactions, read_products):
        with pytest.raises(UnreadableFileError, match=r"caf\\xe9") as caught:
            read(path)
        assert "expected a name in UTF-8" in str(caught.value)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_encode_says_the_same(engine: str, run: Run, shop: Path) -> None:
    (shop / "2018").symlink_to(shop.parent / "elsewhere")
    command = ("encode", "--transactions", shop, "--engine", engine, "--out", shop.parent / "out")
    assert f"{shop}/2018: expected a file or a folder" in refused(
        run, "UnreadableFileError", *command
    )
    assert not (shop.parent / "out").exists()
