"""Encoded tables: whole or refused, and replaced in one step."""

import json
from pathlib import Path

import polars as pl
import pytest

from index_builder.transactions.encoding.encoded_tables import (
    read_encoded_tables,
    replacing_tables,
)
from index_builder.transactions.errors import EncodedTablesError
from tests.data.odd_shop import encoded, odd_lines, write_files


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Encoded tables."""
    shop = write_files(tmp_path / "shop", odd_lines(1, 20), ("1.csv",))
    encoded("polars", shop, tmp_path / "encoded")
    return tmp_path / "encoded"


def refusal(folder: Path) -> str:
    with pytest.raises(EncodedTablesError) as caught:
        read_encoded_tables(folder)
    return str(caught.value)


def test_the_summary_is_kept(folder: Path) -> None:
    tables = read_encoded_tables(folder)
    assert tables.summary.baskets == len(tables.baskets)
    assert tables.summary.items == tables.item_ids.len()
    assert tables.summary.rows_kept == tables.baskets.n_lines
    assert tables.summary.source.endswith("shop")


@pytest.mark.parametrize("name", ["item_codes.parquet", "baskets-00000.parquet", "manifest.json"])
def test_a_missing_file_is_named(folder: Path, name: str) -> None:
    (folder / name).unlink()
    assert name in refusal(folder)


def test_another_value_is_refused_with_its_column(folder: Path) -> None:
    path = folder / "baskets-00000.parquet"
    baskets = pl.read_parquet(path)
    baskets.with_columns(user_code=pl.col("user_code").reverse()).write_parquet(path)
    assert "column baskets.user_code" in refusal(folder)


def test_rows_that_are_gone_are_counted(folder: Path) -> None:
    path = folder / "user_codes.parquet"
    codes = pl.read_parquet(path)
    codes.head(-1).write_parquet(path)
    assert f"expected {codes.height} rows, found {codes.height - 1}" in refusal(folder)


def test_a_damaged_file_is_refused(folder: Path) -> None:
    (folder / "item_codes.parquet").write_bytes(b"PAR1")
    assert "item_codes.parquet: not readable as Parquet" in refusal(folder)


def test_another_version_is_refused_with_the_remedy(folder: Path) -> None:
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 2}))
    message = refusal(folder)
    assert "format_version" in message
    assert "rtt2vec-build encode" in message


def test_new_tables_take_the_place_of_old_ones(folder: Path, tmp_path: Path) -> None:
    shop = write_files(tmp_path / "other", odd_lines(2, 20), ("1.csv",))
    assert encoded("polars", shop, folder).summary.source.endswith("other")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["encoded", "other", "shop"]


def test_what_fails_changes_nothing(folder: Path, tmp_path: Path) -> None:
    before = read_encoded_tables(folder).summary
    with pytest.raises(ZeroDivisionError), replacing_tables(folder):
        raise ZeroDivisionError
    assert read_encoded_tables(folder).summary == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["encoded", "shop"]


def test_a_folder_of_something_else_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").touch()
    with (
        pytest.raises(EncodedTablesError, match="found something else"),
        replacing_tables(tmp_path / "photos"),
    ):
        pass
