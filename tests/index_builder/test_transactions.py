"""Reading transactions: what is taken, what is refused and how that is said."""

import gzip
from datetime import UTC, date, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from index_builder.data_errors import (
    ColumnTypeError,
    DataError,
    EmptyDataError,
    EmptyIdError,
    MissingColumnError,
    QuantityError,
    SharedBasketError,
    TimestampError,
    UnreadableFileError,
)
from index_builder.transactions import Transactions, read_transactions

HEADER = "user_id,basket_id,item_id,timestamp\n"
TWO_BASKETS = HEADER + (
    "ann,b2,milk,2017-12-01T10:00:00\n"
    "bob,b1,tea,2017-11-30T09:30:00\n"
    "ann,b2,bread,2017-12-01T10:00:00\n"
)


def naive(text: str) -> datetime:
    return datetime.fromisoformat(text)


def csv(tmp_path: Path, text: str, name: str = "transactions.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def parquet(path: Path, **columns: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    count = max(len(column) for column in columns.values() if isinstance(column, list | pl.Series))
    default = {
        "user_id": ["u"] * count,
        "basket_id": ["b"] * count,
        "item_id": [f"i{row}" for row in range(count)],
        "timestamp": [naive("2017-12-01")] * count,
    }
    pl.DataFrame({**default, **columns}).write_parquet(path)
    return path


def refusal(error: type[DataError], path: Path) -> str:
    with pytest.raises(error) as caught:
        read_transactions(path)
    return str(caught.value)


def pairs(transactions: Transactions) -> list[tuple[str, str]]:
    return transactions.lines.select("basket_id", "item_id").rows()


# What is taken


def test_rows_become_baskets_in_the_order_of_time(tmp_path: Path) -> None:
    transactions = read_transactions(csv(tmp_path, TWO_BASKETS))
    assert transactions.lines.rows() == [
        ("bob", "b1", "tea", naive("2017-11-30T09:30"), 1.0),
        ("ann", "b2", "bread", naive("2017-12-01T10:00"), 1.0),
        ("ann", "b2", "milk", naive("2017-12-01T10:00"), 1.0),
    ]


def test_the_summary_counts_what_was_read(tmp_path: Path) -> None:
    summary = read_transactions(csv(tmp_path, TWO_BASKETS)).summary
    assert (summary.rows_read, summary.rows_kept, dict(summary.dropped)) == (3, 3, {})
    assert (summary.users, summary.baskets, summary.items) == (2, 2, 3)
    assert summary.first == naive("2017-11-30T09:30")
    assert summary.last == naive("2017-12-01T10:00")


def test_parquet_csv_and_compressed_csv_give_the_same(tmp_path: Path) -> None:
    plain = csv(tmp_path, TWO_BASKETS)
    packed = tmp_path / "transactions.csv.gz"
    packed.write_bytes(gzip.compress(TWO_BASKETS.encode()))
    binary = tmp_path / "transactions.parquet"
    pl.read_csv(plain, try_parse_dates=True).write_parquet(binary)
    frames = [read_transactions(path).lines for path in (plain, packed, binary)]
    assert frames[0].equals(frames[1])
    assert frames[0].equals(frames[2])


def test_a_folder_of_days_is_one_table(tmp_path: Path) -> None:
    shop = tmp_path / "shop.parquet"  # Spark names its output folders like this
    for day, basket in (("2017-12-02", "later"), ("2017-12-01", "sooner")):
        when = [datetime.fromisoformat(day)]
        parquet(shop / f"day={day}" / "part-0.parquet", timestamp=when, basket_id=[basket])
    (shop / "_SUCCESS").touch()
    (shop / "_temporary").mkdir()
    (shop / "_temporary" / "part-1.parquet").write_text("half written")
    transactions = read_transactions(shop)
    assert pairs(transactions) == [("sooner", "i0"), ("later", "i0")]
    assert transactions.summary.unused_columns == ("day",)


def test_the_day_of_a_partition_can_be_the_timestamp(tmp_path: Path) -> None:
    path = tmp_path / "shop" / "timestamp=2017-12-02" / "part.parquet"
    path.parent.mkdir(parents=True)
    pl.DataFrame({"user_id": ["u"], "basket_id": ["b"], "item_id": ["i"]}).write_parquet(path)
    assert read_transactions(tmp_path / "shop").summary.first == naive("2017-12-02")


def test_an_empty_day_in_a_folder_is_a_closed_shop(tmp_path: Path) -> None:
    parquet(tmp_path / "shop" / "1.parquet", item_id=["milk"])
    parquet(tmp_path / "shop" / "2.parquet", item_id=pl.Series([], dtype=pl.Null))
    assert read_transactions(tmp_path / "shop").summary.rows_read == 1


def test_one_file_of_a_folder_may_have_quantities(tmp_path: Path) -> None:
    parquet(tmp_path / "shop" / "1.parquet", item_id=["milk"])
    parquet(tmp_path / "shop" / "2.parquet", item_id=["milk"], quantity=[4])
    assert read_transactions(tmp_path / "shop").lines["quantity"].to_list() == [5.0]


def test_integer_ids_become_strings(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t.parquet",
        user_id=pl.Series([2**63], dtype=pl.UInt64),
        basket_id=pl.Series([7], dtype=pl.Int16),
        item_id=pl.Series(["42"]).cast(pl.Decimal(38, 0)),
    )
    assert read_transactions(path).lines.row(0)[:3] == ("9223372036854775808", "7", "42")


def test_ids_of_a_csv_file_keep_their_zeros_and_spaces(tmp_path: Path) -> None:
    path = csv(tmp_path, HEADER + "007,1e3, x ,2017-12-01\n")
    assert read_transactions(path).lines.row(0)[:3] == ("007", "1e3", " x ")


def test_categorical_ids_become_strings(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", item_id=pl.Series(["milk"], dtype=pl.Categorical))
    assert pairs(read_transactions(path)) == [("b", "milk")]


@pytest.mark.parametrize(
    "timestamps",
    [
        pl.Series([date(2017, 12, 1)]),
        pl.Series([naive("2017-12-01")], dtype=pl.Datetime("ns")),
        pl.Series([naive("2017-12-01")], dtype=pl.Datetime("ms")),
        pl.Series([datetime(2017, 12, 1, tzinfo=UTC)]),
        pl.Series([datetime(2017, 12, 1, 5, 30, tzinfo=timezone(timedelta(hours=5.5)))]),
        pl.Series(["2017-12-01"]),
        pl.Series(["2017-12-01T01:00:00+01:00"]),
    ],
)
def test_every_kind_of_timestamp_becomes_naive_utc(tmp_path: Path, timestamps: pl.Series) -> None:
    lines = read_transactions(parquet(tmp_path / "t.parquet", timestamp=timestamps)).lines
    assert lines.schema["begun_at"] == pl.Datetime("us")
    assert lines["begun_at"].item() == naive("2017-12-01")


def test_a_zone_with_summer_time_becomes_utc(tmp_path: Path) -> None:
    local = pl.Series([naive("2017-07-01T12:00"), naive("2017-12-01T12:00")])
    times = local.dt.replace_time_zone("America/New_York")
    lines = read_transactions(
        parquet(tmp_path / "t.parquet", timestamp=times, basket_id=["a", "b"])
    ).lines
    assert [time.hour for time in lines["begun_at"]] == [16, 17]


def test_a_basket_begins_at_its_earliest_line(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        HEADER + "u,b,milk,2017-12-01T10:05\nu,b,tea,2017-12-01T10:00\nu,b,jam,2017-12-09T10:00\n",
    )
    transactions = read_transactions(path)
    assert set(transactions.lines["begun_at"]) == {naive("2017-12-01T10:00")}
    assert transactions.summary.long_baskets == 1


def test_duplicate_lines_are_merged_and_counted(tmp_path: Path) -> None:
    path = csv(
        tmp_path,
        "user_id,basket_id,item_id,timestamp,quantity\n"
        "u,b,milk,2017-12-01,2\nu,b,tea,2017-12-01,\nu,b,milk,2017-12-01,0.5\nu,b,milk,2017-12-01,\n",
    )
    transactions = read_transactions(path)
    assert transactions.lines.select("item_id", "quantity").rows() == [("milk", 3.5), ("tea", 1.0)]
    assert transactions.summary.dropped == {"duplicate lines, merged": 2}
    assert transactions.summary.rows_read == 4


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_are_skipped_and_counted(tmp_path: Path, end: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(
        (HEADER + "u,b,i,2017-12-01\n\nu,b,j,2017-12-01\n\n").replace("\n", end).encode()
    )
    summary = read_transactions(path).summary
    assert (summary.rows_kept, dict(summary.dropped)) == (2, {"blank lines": 2})


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read_transactions(csv(tmp_path, "\ufeff" + TWO_BASKETS)).summary.rows_kept == 3


def test_columns_without_a_use_are_listed(tmp_path: Path) -> None:
    summary = read_transactions(parquet(tmp_path / "t.parquet", price=[1.5], store=["x"])).summary
    assert summary.unused_columns == ("price", "store")


def test_returns_are_kept(tmp_path: Path) -> None:
    lines = read_transactions(parquet(tmp_path / "t.parquet", quantity=[-1, 0])).lines
    assert lines["quantity"].to_list() == [-1.0, 0.0]


def test_the_summary_is_readable(tmp_path: Path) -> None:
    console = Console(width=200, file=StringIO())
    with console.capture() as printed:
        console.print(read_transactions(csv(tmp_path, TWO_BASKETS + "\n")).summary)
    text = printed.get()
    for words in ("transactions.csv", "rows read", "blank lines", "-1", "2017-11-30 09:30"):
        assert words in text


# Slices through time


def test_a_cut_parts_the_baskets(tmp_path: Path) -> None:
    transactions = read_transactions(csv(tmp_path, TWO_BASKETS))
    cut = naive("2017-12-01T10:00")  # the very moment b2 begins
    assert set(transactions.until(cut).lines["basket_id"]) == {"b1"}
    assert set(transactions.since(cut).lines["basket_id"]) == {"b2"}
    assert transactions.until(cut).summary == transactions.summary


def test_a_cut_with_a_timezone_means_that_moment(tmp_path: Path) -> None:
    transactions = read_transactions(csv(tmp_path, TWO_BASKETS))
    an_hour_ahead = timezone(timedelta(hours=1))
    before = datetime(2017, 12, 1, 11, 0, tzinfo=an_hour_ahead)
    assert set(transactions.until(before).lines["basket_id"]) == {"b1"}
    assert set(transactions.until(before + timedelta(seconds=1)).lines["basket_id"]) == {"b1", "b2"}


def test_a_basket_stays_whole_at_a_cut_through_it(tmp_path: Path) -> None:
    path = csv(tmp_path, HEADER + "u,b,milk,2017-11-30T23:59\nu,b,tea,2017-12-01T00:01\n")
    transactions = read_transactions(path)
    assert transactions.until(naive("2017-12-01")).lines.height == 2
    assert transactions.since(naive("2017-12-01")).lines.height == 0


# What is refused


def test_a_missing_column_lists_what_was_found(tmp_path: Path) -> None:
    message = refusal(MissingColumnError, csv(tmp_path, "user_id,order,item_id,timestamp\na,b,c,d"))
    assert "transactions.csv: no column 'basket_id'" in message
    assert "Found: 'user_id', 'order', 'item_id', 'timestamp'" in message


@pytest.mark.parametrize("near", ["Basket_ID", "basketid", " basket_id", "baskt_id"])
def test_a_missing_column_suggests_its_likely_name(tmp_path: Path, near: str) -> None:
    message = refusal(MissingColumnError, csv(tmp_path, f"user_id,{near},item_id,timestamp\n"))
    assert f"Rename {near!r} to 'basket_id'?" in message


def test_semicolons_are_named_as_the_problem(tmp_path: Path) -> None:
    message = refusal(MissingColumnError, csv(tmp_path, HEADER.replace(",", ";")))
    assert "separated by commas" in message


@pytest.mark.parametrize("column", ["user_id", "basket_id", "item_id"])
@pytest.mark.parametrize("blank", ["", '""', "  "])
def test_a_missing_id_shows_its_line(tmp_path: Path, column: str, blank: str) -> None:
    fields = ["u", "b", "i", "2017-12-01"]
    fields[HEADER.strip().split(",").index(column)] = blank
    text = HEADER + "u,b,i,2017-12-01\n" * 2 + ",".join(fields) + "\n" + "u,b,i,2017-12-01\n"
    message = refusal(EmptyIdError, csv(tmp_path, text))
    assert f"transactions.csv: 1 of 4 rows have no {column}" in message
    assert "\n  4 " in message


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


@pytest.mark.parametrize("ids", [[1.0, 2.5], [True, False], [b"a", b"b"], [date.min, date.max]])
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


def test_files_of_a_folder_do_not_mix_timezones(tmp_path: Path) -> None:
    parquet(tmp_path / "shop" / "1.parquet", timestamp=[naive("2017-12-01")])
    parquet(tmp_path / "shop" / "2.parquet", timestamp=[datetime(2017, 12, 1, tzinfo=UTC)])
    message = refusal(ColumnTypeError, tmp_path / "shop")
    assert "2.parquet: column 'timestamp' holds Datetime" in message
    assert "as in" in message
    assert "1.parquet" in message


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
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.parquet"
    path.write_bytes(content)
    assert "t.parquet: not readable as Parquet" in refusal(UnreadableFileError, path)


@pytest.mark.parametrize(
    "content",
    [
        HEADER.encode() + b"u,b,caf\xe9,2017-12-01\n",
        HEADER.encode() + b"u,b,i,2017-12-01,too,many\n",
        HEADER.encode() + b'u,b,"i,2017-12-01\n',
    ],
)
def test_what_is_no_csv_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    assert "t.csv: not readable as CSV" in refusal(UnreadableFileError, path)


def test_a_torn_archive_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress((HEADER + "u,b,i,2017-12-01\n" * 9999).encode())[:80])
    assert "not readable as CSV" in refusal(UnreadableFileError, path)


def test_an_unknown_suffix_is_refused(tmp_path: Path) -> None:
    message = refusal(UnreadableFileError, csv(tmp_path, TWO_BASKETS, "transactions.xlsx"))
    assert "Expected: .parquet, .pq, .csv, .csv.gz, or a folder" in message


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    assert "nowhere.csv: no such file" in refusal(UnreadableFileError, tmp_path / "nowhere.csv")


def test_a_folder_without_data_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").touch()
    assert "a folder without data files" in refusal(UnreadableFileError, tmp_path)


# Invariants

ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(0, 40), st.integers(-2, 3)),
    min_size=1,
    max_size=40,
)


@settings(deadline=None)
@given(rows=ROWS)
def test_nothing_is_lost(
    rows: list[tuple[int, int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("shop") / "t.csv"
    lines = [
        f"u{basket % 3},b{basket},i{item},2017-11-{1 + hour // 24:02}T{hour % 24:02}:00,{quantity}"
        for basket, item, hour, quantity in rows
    ]
    path.write_text("\n".join(["user_id,basket_id,item_id,timestamp,quantity", *lines]) + "\n")
    transactions = read_transactions(path)
    summary = transactions.summary
    assert summary.rows_read == len(rows) == summary.rows_kept + sum(summary.dropped.values())
    assert set(pairs(transactions)) == {(f"b{basket}", f"i{item}") for basket, item, _, _ in rows}
    assert summary.rows_kept == len(pairs(transactions)) == len(set(pairs(transactions)))
    assert transactions.lines["quantity"].sum() == sum(quantity for *_, quantity in rows)
    assert transactions.lines.equals(transactions.lines.sort("begun_at", "basket_id", "item_id"))
    for cut in (naive("2017-11-01T07:00"), naive("2017-11-02")):
        parts = (transactions.until(cut).lines, transactions.since(cut).lines)
        assert pl.concat(parts).equals(transactions.lines)
        assert not set(parts[0]["basket_id"]) & set(parts[1]["basket_id"])


@settings(deadline=None)
@given(rows=ROWS, data=st.data())
def test_the_order_of_rows_does_not_matter(
    rows: list[tuple[int, int, int, int]],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    frames = []
    for name, order in (("a", rows), ("b", data.draw(st.permutations(rows)))):
        path = parquet(
            folder / f"{name}.parquet",
            user_id=[basket % 3 for basket, *_ in order],
            basket_id=[basket for basket, *_ in order],
            item_id=[item for _, item, *_ in order],
            timestamp=[naive("2017-11-01") + timedelta(hours=hour) for *_, hour, _ in order],
            quantity=[quantity for *_, quantity in order],
        )
        frames.append(read_transactions(path).lines)
    assert frames[0].equals(frames[1])
