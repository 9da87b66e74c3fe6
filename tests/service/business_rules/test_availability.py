"""Availability: a table of stores and items, one bit for each."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import parquet

from service.business_rules.availability import Availability, read_availability
from service.business_rules.errors import RulesError
from service.support.arrays.array_types import Int32

INDEX = {"a": 0, "b": 1, "7": 2}


def stock(path: Path, stores: Any, items: Any, **more: Sequence[Any]) -> Path:
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


@pytest.mark.parametrize(
    "quantities",
    [
        pa.array([1, 0, -2, 5]),
        pa.array([0.5, 0.0, None, 1e9]),
        pa.array(["7", "0", "-1", "2"]),
        pa.array([1, 0, None, 2], pa.decimal128(9, 2)),
    ],
)
def test_a_quantity_of_nothing_is_not_in_stock(tmp_path: Path, quantities: pa.Array) -> None:
    path = stock(tmp_path / "s.parquet", ["1"] * 4, ["a", "b", "7", "7"], quantity=quantities)
    found = read(path)
    assert found.in_stock("1").tolist() == [True, False, True]
    assert (found.sold_out, found.empty) == (2, [])


def test_a_quantity_that_is_no_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="quantity"):
        read(stock(tmp_path / "s.parquet", ["1"], ["a"], quantity=["many"]))


def test_a_shelf_may_be_empty(tmp_path: Path) -> None:
    found = read(stock(tmp_path / "s.parquet", ["1", "2"], ["a", "b"], quantity=[0, 1]))
    assert found.stores == {"1", "2"}
    assert found.empty == ["1"]
    assert not found.in_stock("1").any()


def test_spaces_around_an_id_do_not_belong_to_it(tmp_path: Path) -> None:
    found = read(stock(tmp_path / "s.parquet", ["1 ", "1", "\u00a01"], [" a", "b\t", "7"]))
    assert found.stores == {"1"}
    assert found.in_stock("1").all()


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


def repeated(codes: Int32, names: list[str]) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(codes), names)


def grown(path: Path, group: pa.Table, times: int, **options: Any) -> Path:
    """A file of a group of rows that is repeated."""
    with parquet.ParquetWriter(path, group.schema, **options) as writer:
        for _ in range(times):
            writer.write_table(group)
    return path


def test_stores_and_items_come_in_any_order_and_in_batches(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    index = {str(item): item for item in range(19)}
    stores, items = random.integers(0, 7, 1000), random.integers(0, 23, 1000)
    group = pa.table({"store_id": stores, "item_id": items})
    found = read_availability(grown(tmp_path / "s.parquet", group, 3).read_bytes(), index, "s")
    assert found.stores == {str(store) for store in range(7)}
    for store in range(7):
        own = set(items[stores == store].tolist())
        assert found.in_stock(str(store)).tolist() == [item in own for item in range(19)]


def test_a_name_without_a_row_is_no_store(tmp_path: Path) -> None:
    stores = repeated(np.array([2, 2], np.int32), ["closed", "far away", "1"])
    path = stock(tmp_path / "s.parquet", stores, ["a", "b"])
    assert read(path).stores == {"1"}


def test_a_small_file_of_many_rows_takes_little_memory(tmp_path: Path) -> None:
    zeros = np.zeros(1_000_000, np.int32)
    group = pa.table({"store_id": repeated(zeros, ["x" * 100_000]), "item_id": zeros})
    path = grown(tmp_path / "s.parquet", group, 20)
    assert path.stat().st_size < 1_000_000
    code = (
        "import sys, pathlib, re\n"
        "from service.business_rules.availability import read_availability\n"
        "read_availability(pathlib.Path(sys.argv[1]).read_bytes(), {'0': 0}, 's')\n"
        # Of this process alone: `ru_maxrss` begins with the size of the process that started it.
        "print(re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 500_000  # kilobytes, of which the libraries take 200,000


@pytest.mark.parametrize(
    ("group", "times", "found"),
    [
        (({"store_id": ["1"] * 1_000_000, "item_id": ["a"] * 1_000_000}), 51, "50,000,000 rows"),
        (({"store_id": ["x" * (1 << 24)], "item_id": ["a"]}), 1, "16,777,216 bytes of distinct"),
    ],
)
def test_a_table_that_is_too_large_is_refused(
    tmp_path: Path, group: dict[str, Any], times: int, found: str
) -> None:
    with pytest.raises(RulesError, match=f"expected at most {found}"):
        read(grown(tmp_path / "s.parquet", pa.table(group), times))


def test_a_table_that_is_too_large_when_decompressed_is_refused(tmp_path: Path) -> None:
    zeros = np.zeros(1_000_000, np.int64)
    group = pa.table({"store_id": zeros, "item_id": zeros})
    path = grown(tmp_path / "s.parquet", group, 10, use_dictionary=False, compression="zstd")
    with pytest.raises(RulesError, match="expected at most 134,217,728 bytes, uncompressed"):
        read(path)


def test_more_stores_than_memory_is_meant_for_are_refused(tmp_path: Path) -> None:
    index = {str(item): item for item in range(1 << 20)}
    path = stock(tmp_path / "s.parquet", np.arange(2100), np.zeros(2100, np.int64))
    with pytest.raises(RulesError, match="expected at most 2,048 stores of 1,048,576 items"):
        read_availability(path.read_bytes(), index, "s")
