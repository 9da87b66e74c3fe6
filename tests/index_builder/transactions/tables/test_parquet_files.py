"""Parquet files: values of all the types that others write, and columns that folders name."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from index_builder.transactions.errors import (
    ColumnTypeError,
    EmptyIdError,
    TimestampError,
    UnreadableFileError,
)
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Format
from index_builder.transactions.tables.timestamps import TimestampFormat
from index_builder.transactions.transactions import read_transactions
from tests.data.transaction_files import naive, parquet

IDS = ("user_id", "basket_id", "item_id")


def test_categories_are_read_like_the_texts_that_they_stand_for(tmp_path: Path) -> None:
    times = ["2017-12-01T08:00Z", "2017-12-01T07:00Z", "2017-12-01T09:00Z"]
    path = parquet(
        tmp_path / "t.parquet",
        user_id=pl.Series(["ann", "", ""], dtype=pl.Categorical),
        basket_id=list("abb"),
        timestamp=pl.Series(times, dtype=pl.Categorical),
        item_id=["milk", "tea", "tea"],
        quantity=pl.Series(["1", "2.5", "-2.5"], dtype=pl.Categorical),
    )
    lines = read_transactions(path, Reading(missing=frozenset())).lines
    assert lines.rows() == [("ann", "a", "milk", naive("2017-12-01T08:00"))]


@pytest.mark.parametrize("column", ["timestamp", "not read"])
def test_moments_of_a_timezone_that_nobody_knows_are_moments(column: str, tmp_path: Path) -> None:
    moments = pa.array([1_512_115_200_000_000]).cast(pa.timestamp("us", "Mars/Olympus"))
    columns = {name: pa.array(["x"]) for name in IDS}
    columns |= {"timestamp": pa.array(["2017-12-01T08:00Z"]), column: moments}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet")
    assert read_transactions(tmp_path / "t.parquet").summary.first == naive("2017-12-01T08:00")


@pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo"])
@pytest.mark.parametrize(
    ("kind", "number"),
    [
        (pl.Date, 2**31 - 1),
        (pl.Date, -(2**31 - 1)),
        (pl.Datetime("ms"), 2**63 - 1),
        (pl.Datetime("us"), 2**63 - 1),
        (pl.Datetime("us"), -(2**63 - 1)),
        (pl.Datetime("ms", "UTC"), 2**61),
        (pl.Datetime("us", "Europe/Berlin"), -(2**63 - 1)),
    ],
)
def test_moments_that_no_calendar_has_are_refused(
    kind: pl.DataType, number: int, zone: str, tmp_path: Path
) -> None:
    physical = pl.Int32 if kind == pl.Date else pl.Int64
    moments = pl.Series([0, number], dtype=physical).cast(kind)
    path = parquet(tmp_path / "t.parquet", timestamp=moments)
    with pytest.raises(TimestampError, match=rf"1 .*cannot be read(.|\n)*{number}"):
        read_transactions(path, Reading(timestamps=TimestampFormat(zone=zone)))


@pytest.mark.parametrize(
    ("kind", "largest"), [(pl.Float16, 2**11), (pl.Float32, 2**24), (pl.Float64, 2**53)]
)
def test_fractions_are_ids_only_as_far_as_they_tell_integers_apart(
    kind: type[pl.DataType], largest: int, tmp_path: Path
) -> None:
    path = parquet(tmp_path / "t.parquet", item_id=pl.Series([float(largest - 1)], dtype=kind))
    assert read_transactions(path).lines["item_id"].to_list() == [str(largest - 1)]
    path = parquet(tmp_path / "t.parquet", item_id=pl.Series([float(largest)], dtype=kind))
    with pytest.raises(ColumnTypeError, match="'item_id' holds Float"):
        read_transactions(path)


def test_strings_that_are_not_utf_8_are_refused_with_their_column(tmp_path: Path) -> None:
    texts = pa.array([b"tea", b"caf\xe9"]).cast(pa.string(), safe=False)
    columns = {name: texts if name == "item_id" else pa.array(["x", "x"]) for name in IDS}
    times = pa.array(["2017-12-01", "2017-12-01"])
    pq.write_table(pa.table(columns | {"timestamp": times}), tmp_path / "t.parquet")
    with pytest.raises(UnreadableFileError, match=r"t\.parquet: .*column 'item_id': .*UTF8"):
        read_transactions(tmp_path / "t.parquet")


def test_a_name_may_have_a_dot_beside_a_column_of_parts(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", **{"user.id": ["ann"], "user": [{"id": "ben"}]})
    reading = Reading(format=Format(columns={"user_id": "user.id"}))
    assert read_transactions(path, reading).lines["user_id"].to_list() == ["ann"]


def test_what_folders_name_is_text_and_the_innermost_counts(tmp_path: Path) -> None:
    folder = tmp_path / "shop" / "user_id=1" / "user_id=007" / "item_id=caf%C3%A9"
    for number in "12":
        file = folder / f"quantity={number}" / f"{number}.parquet"
        file.parent.mkdir(parents=True)
        rows = {"basket_id": ["b"], "timestamp": [naive("2017-12-01")], "quantity": [-1]}
        pl.DataFrame(rows).write_parquet(file)
    lines = read_transactions(tmp_path / "shop").lines
    assert lines.rows() == [("007", "b", "café", naive("2017-12-01"))]


def test_a_folder_may_name_nothing(tmp_path: Path) -> None:
    file = tmp_path / "user_id=__HIVE_DEFAULT_PARTITION__" / "1.parquet"
    file.parent.mkdir()
    rows = {"basket_id": ["b"], "item_id": ["milk"], "timestamp": [naive("2017-12-01")]}
    pl.DataFrame(rows).write_parquet(file)
    with pytest.raises(EmptyIdError):
        read_transactions(file)
    assert read_transactions(file, Reading(missing=frozenset())).summary.guest_baskets == 1
