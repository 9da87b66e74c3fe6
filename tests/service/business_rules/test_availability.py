"""Availability: a table of stores and items, one bit for each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet

from service.business_rules.availability import Availability, read_availability
from service.business_rules.errors import RulesError

INDEX = {"a": 0, "b": 1, "7": 2}


def stock(path: Path, stores: Sequence[Any], items: Sequence[Any], **more: Sequence[Any]) -> Path:
    parquet.write_table(pa.table({"store_id": stores, "item_id": items, **more}), path)
    return path


def read(path: Path) -> Availability:
    return read_availability(path.read_bytes(), INDEX, str(path))


def test_a_row_means_in_stock(tmp_path: Path) -> None:
    path = stock(tmp_path / "s.parquet", ["1", "2", "1", "2"], ["a", "7", "b", "unheard-of"])
    found = read(path)
    assert found.stores == {"1", "2"}
    assert found.in_stock("1").tolist() == [True, True, False]
    assert found.in_stock("2").tolist() == [False, False, True]


def test_ids_may_be_integers_or_categories_and_columns_may_be_more(tmp_path: Path) -> None:
    stores = pa.array(["9", "9"]).dictionary_encode()
    path = stock(tmp_path / "s.parquet", stores, [7, 8], shelf=["x", "y"])
    assert read(path).in_stock("9").tolist() == [False, False, True]


def test_a_store_with_nothing_that_is_known_has_nothing(tmp_path: Path) -> None:
    path = stock(tmp_path / "s.parquet", ["1"], ["unheard-of"])
    assert not read(path).in_stock("1").any()


def test_what_is_no_such_table_is_refused(tmp_path: Path) -> None:
    text = tmp_path / "text.parquet"
    text.write_text("store_id,item_id")
    other = tmp_path / "other.parquet"
    parquet.write_table(pa.table({"store": ["1"], "item_id": ["a"]}), other)
    numbers = stock(tmp_path / "lists.parquet", [["1"]], ["a"])
    for path in (text, other, numbers):
        with pytest.raises(RulesError, match="expected a Parquet file with the columns") as caught:
            read(path)
        assert str(caught.value).startswith(f"{path}: ")


def test_a_table_without_rows_or_with_gaps_is_refused(tmp_path: Path) -> None:
    nothing = stock(tmp_path / "0.parquet", pa.array([], pa.string()), pa.array([], pa.string()))
    with pytest.raises(RulesError, match="found none"):
        read(nothing)
    with pytest.raises(RulesError, match="found nulls"):
        read(stock(tmp_path / "1.parquet", ["1", None], ["a", "b"]))
