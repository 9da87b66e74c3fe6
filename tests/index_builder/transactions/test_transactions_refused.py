"""Transactions that are refused: each by its own error, with the file, the count and the rows."""

import gzip
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from index_builder.transactions.errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    EmptyIdError,
    LongIdError,
    MissingColumnError,
    QuantityError,
    SharedBasketError,
    TimestampError,
    UnreadableFileError,
)
from index_builder.transactions.transactions import read_transactions
from service.support.validity import ID_CHARS
from tests.data.transaction_files import csv, naive, parquet

HEADER = "user_id,basket_id,item_id,timestamp\n"


def refusal(error: type[DataError], path: Path) -> str:
    with pytest.raises(error) as caught:
        read_transactions(path)
    return str(caught.value)


def test_a_missing_column_lists_what_was_found(tmp_path: Path) -> None:
    message = refusal(MissingColumnError, csv(tmp_path, "user_id,order,item_id,timestamp\na,b,c,d"))
    assert "transactions.csv: no column 'basket_id'" in message
    assert "Found: 'user_id', 'order', 'item_id', 'timestamp'" in message


@pytest.mark.parametrize("near", ["Basket_ID", "basketid", "basket id", "baskt_id"])
def test_a_missing_column_suggests_its_likely_name(tmp_path: Path, near: str) -> None:
    message = refusal(MissingColumnError, csv(tmp_path, f"user_id,{near},item_id,timestamp\n"))
    assert f"Rename {near!r} to 'basket_id'?" in message


@pytest.mark.parametrize("column", ["user_id", "basket_id", "item_id"])
@pytest.mark.parametrize("blank", ["", '""', "  "])
def test_a_missing_id_shows_its_line(tmp_path: Path, column: str, blank: str) -> None:
    fields = ["u", "b", "i", "2017-12-01"]
    fields[HEADER.strip().split(",").index(column)] = blank
    text = HEADER + "u,b,i,2017-12-01\n" * 2 + ",".join(fields) + "\n" + "u,b,i,2017-12-01\n"
    message = refusal(EmptyIdError, csv(tmp_path, text))
    assert f"transactions.csv: 1 of 4 rows have no {column}" in message
    assert "\n  4 " in message


@pytest.mark.parametrize("column", ["user_id", "basket_id", "item_id"])
def test_an_id_that_no_request_may_name_is_refused(tmp_path: Path, column: str) -> None:
    path = parquet(tmp_path / "t.parquet", **{"price": ["1"], column: ["x" * (ID_CHARS + 1)]})
    message = refusal(LongIdError, path)
    assert f"1 of 1 rows have more than 128 characters in {column}" in message
    assert "x" * 60 in message
    assert "x" * 61 not in message


@pytest.mark.parametrize(
    "moment", ["2099-01-01", "9999-12-31", "1969-12-31T23:59:59Z", "0001-01-01"]
)
def test_a_moment_that_no_purchase_may_have_is_refused(tmp_path: Path, moment: str) -> None:
    zone = "Z" if moment.endswith("Z") else ""
    path = csv(tmp_path, HEADER + f"u,b,i,2017-12-01T00:00{zone}\nu,c,i,{moment}\n")
    message = refusal(TimestampError, path)
    assert "1 of 2 rows have a timestamp before 1970 or in the future" in message
    assert "\n  3 " in message


@pytest.mark.parametrize("quantity", ["1e13", "-1e13"])
def test_a_quantity_must_not_be_out_of_all_proportion(tmp_path: Path, quantity: str) -> None:
    text = f"user_id,basket_id,item_id,timestamp,quantity\nu,b,i,2017-12-01,{quantity}\n"
    message = refusal(QuantityError, csv(tmp_path, text))
    assert "1 of 1 rows have a quantity beyond 1e+12" in message


def test_null_ids_of_parquet_show_their_row(tmp_path: Path) -> None:
    message = refusal(EmptyIdError, parquet(tmp_path / "t.parquet", user_id=["a", None, None]))
    assert "2 of 3 rows have no user_id" in message
    assert "row" in message
    assert [line.split()[0] for line in message.splitlines()[3:5]] == ["2", "3"]


def test_only_the_first_rows_are_shown(tmp_path: Path) -> None:
    text = HEADER + "u,,i,2017-12-01\n" * 1234
    message = refusal(EmptyIdError, csv(tmp_path, text))
    assert "1,234 of 1,234 rows" in message
    assert len(message.splitlines()) == 9


@pytest.mark.parametrize("packed", [False, True])
def test_line_numbers_count_the_lines_inside_quoted_fields(tmp_path: Path, packed: bool) -> None:
    text = "note," + HEADER + '"a\nnote",u,b,i,2017-12-01\n\n"b\n\n",,b,i,2017-12-01\nc,u,,i,2017\n'
    path = csv(tmp_path, text)
    if packed:
        path = tmp_path / "t.csv.gz"
        path.write_bytes(gzip.compress(text.encode()))
    message = refusal(EmptyIdError, path)
    assert "\n  5 " in message


@pytest.mark.parametrize(
    "ids", [[1.0, 2.5], [2.0**53, 1.0], [True, False], [b"a", b"b"], [date.min, date.max]]
)
def test_ids_without_one_spelling_are_refused(tmp_path: Path, ids: list[object]) -> None:
    message = refusal(ColumnTypeError, parquet(tmp_path / "t.parquet", item_id=ids))
    assert "column 'item_id' holds" in message


@pytest.mark.parametrize("text", ["yesterday", "01.12.2017", "2017-13-01", "", "1512086400"])
def test_an_unparsable_timestamp_shows_its_line(tmp_path: Path, text: str) -> None:
    path = csv(tmp_path, f"{HEADER}u,b,i,2017-12-01\nu,b,j,{text}\n")
    message = refusal(TimestampError, path)
    assert "1 of 2 rows have a timestamp that cannot be read" in message
    assert f"  3     u        b          j        {text or 'null'}" in message
    assert "2017-12-01T18:30:00Z" in message


def test_a_null_datetime_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", timestamp=[naive("2017-12-01"), None])
    assert "1 of 2 rows" in refusal(TimestampError, path)


@pytest.mark.parametrize("stamp", [1512086400, 1512086400.0])
def test_a_number_is_no_timestamp(tmp_path: Path, stamp: float) -> None:
    message = refusal(ColumnTypeError, parquet(tmp_path / "t.parquet", timestamp=[stamp]))
    assert "Expected: dates, datetimes, or ISO 8601 strings" in message


def test_timestamps_with_and_without_timezone_do_not_mix(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        HEADER + "u,b,i,2017-12-01T10:00Z\nu,b,j,2017-12-01T10:00\nu,b,k,2017-12-01T10:00+00:00\n",
    )
    message = refusal(TimestampError, path)
    assert "1 of 3 rows have a timestamp without a timezone" in message
    assert "\n  3 " in message


def test_a_bad_file_of_a_folder_is_named(tmp_path: Path) -> None:
    parquet(tmp_path / "shop" / "1.parquet", user_id=["u"])
    parquet(tmp_path / "shop" / "2.parquet", user_id=[None])
    assert "2.parquet: 1 of 1 rows have no user_id" in refusal(EmptyIdError, tmp_path / "shop")


def test_a_basket_of_two_users_is_refused(tmp_path: Path) -> None:
    text = "ann,b,i,2017-12-01\n" * 9 + "bob,b,i,2017-12-01\nbob,c,i,2017-12-01\n"
    message = refusal(SharedBasketError, csv(tmp_path, HEADER + text))
    assert "1 of 2 values of basket_id belong to more than one user" in message
    assert "\n  2     ann" in message
    assert "\n  11    bob" in message
    assert "put the user_id in front of the basket_id" in message


def test_a_basket_of_two_users_in_two_files_is_refused(tmp_path: Path) -> None:
    parquet(tmp_path / "shop" / "1.parquet", user_id=["ann"])
    parquet(tmp_path / "shop" / "2.parquet", user_id=["bob"])
    message = refusal(SharedBasketError, tmp_path / "shop")
    assert "ann" in message
    assert "bob" in message


@pytest.mark.parametrize("quantity", ["two", "NaN", "inf", "1,5"])
def test_a_quantity_must_be_a_number(tmp_path: Path, quantity: str) -> None:
    text = f'user_id,basket_id,item_id,timestamp,quantity\nu,b,i,2017-12-01,"{quantity}"\n'
    message = refusal(QuantityError, csv(tmp_path, text))
    assert "1 of 1 rows have a quantity that is no number" in message
    assert quantity in message


@pytest.mark.parametrize("column", ["user_id", "timestamp", "quantity"])
def test_a_column_of_lists_is_refused(tmp_path: Path, column: str) -> None:
    path = parquet(tmp_path / "t.parquet", basket_id=[""], **{column: [["u"]]})
    assert f"column '{column}' holds List" in refusal(ColumnTypeError, path)


@pytest.mark.parametrize("microseconds", [-(10**17), 4 * 10**18])
def test_a_year_beyond_the_calendar_is_refused(tmp_path: Path, microseconds: int) -> None:
    times = pl.Series([microseconds]).cast(pl.Datetime("us"))
    message = refusal(TimestampError, parquet(tmp_path / "t.parquet", timestamp=times))
    assert "1 of 1 rows" in message


@pytest.mark.parametrize("text", ["", "\n", HEADER, HEADER + "\n\n"])
def test_an_empty_csv_file_is_refused(tmp_path: Path, text: str) -> None:
    assert "transactions.csv" in refusal(EmptyDataError, csv(tmp_path, text))


def test_an_empty_parquet_file_is_refused(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", item_id=pl.Series([], dtype=pl.String))
    assert "no rows" in refusal(EmptyDataError, path)


@pytest.mark.parametrize("content", [b"", b"PAR1", b"user_id,basket_id", b"PAR1" + bytes(99)])
def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    assert "t.parquet: not readable as Parquet" in refusal(UnreadableFileError, path)


def test_a_torn_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "u,b,i,2017-12-01\n" * 9999).encode())[:80])
    assert "not readable as CSV" in refusal(UnreadableFileError, path)


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    message = refusal(UnreadableFileError, csv(tmp_path, HEADER, "transactions.doc"))
    assert (
        "Expected: .parquet, .pq, .csv, .csv.gz, .tsv, .tsv.gz, .xlsx, .xls, .ods, or a folder"
        in message
    )


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "nowhere.csv: no such file" in refusal(UnreadableFileError, tmp_path / "nowhere.csv")


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    assert "a folder without data files" in refusal(UnreadableFileError, tmp_path)
