"""Reading transactions: what is taken, how it is counted, and how it is cut in time."""

import gzip
from datetime import UTC, date, datetime, timedelta, timezone
from io import StringIO
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from index_builder.transactions.reading import Reading
from index_builder.transactions.transactions import Transactions, read_transactions
from service.support.validity import ID_CHARS
from tests.data.transaction_files import csv, naive, parquet

HEADER = "user_id,basket_id,item_id,timestamp\n"
TWO_BASKETS = HEADER + (
    "ann,b2,milk,2017-12-01T10:00:00\n"
    "bob,b1,tea,2017-11-30T09:30:00\n"
    "ann,b2,bread,2017-12-01T10:00:00\n"
)


def pairs(transactions: Transactions) -> list[tuple[str, str]]:
    return transactions.lines.select("basket_id", "item_id").rows()


# What is taken


def test_rows_become_baskets_in_the_order_of_time(tmp_path: Path) -> None:
    transactions = read_transactions(csv(tmp_path, TWO_BASKETS))
    assert transactions.lines.rows() == [
        ("bob", "b1", "tea", naive("2017-11-30T09:30")),
        ("ann", "b2", "bread", naive("2017-12-01T10:00")),
        ("ann", "b2", "milk", naive("2017-12-01T10:00")),
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
    parquet(tmp_path / "shop" / "1.parquet", item_id=pl.Series([], dtype=pl.Null))
    parquet(tmp_path / "shop" / "2.parquet", timestamp=[datetime(2017, 12, 1, tzinfo=UTC)])
    assert read_transactions(tmp_path / "shop").summary.rows_read == 1


def test_one_file_of_a_folder_may_have_quantities(tmp_path: Path) -> None:
    parquet(tmp_path / "shop" / "1.parquet", item_id=["milk"])
    parquet(tmp_path / "shop" / "2.parquet", item_id=["tea", "tea"], quantity=[4, -4])
    assert pairs(read_transactions(tmp_path / "shop")) == [("b", "milk")]


def test_integer_ids_become_strings(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t.parquet",
        user_id=pl.Series([2**63], dtype=pl.UInt64),
        basket_id=pl.Series([7], dtype=pl.Int16),
        item_id=pl.Series(["42"]).cast(pl.Decimal(38, 0)),
    )
    assert read_transactions(path).lines.row(0)[:3] == ("9223372036854775808", "7", "42")


def test_integers_that_pandas_wrote_with_gaps_are_integers(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "t.parquet", user_id=[17850.0, None, float("nan")], basket_id=list("abc")
    )
    users = read_transactions(path, Reading(missing=frozenset())).lines["user_id"].to_list()
    assert users == ["17850", None, None]


def test_ids_of_a_csv_file_keep_their_zeros_and_inner_spaces(tmp_path: Path) -> None:
    path = csv(tmp_path, HEADER + "007,1e3,x y,2017-12-01\n")
    assert read_transactions(path).lines.row(0)[:3] == ("007", "1e3", "x y")


def test_spaces_around_an_id_are_no_part_of_it(tmp_path: Path) -> None:
    path = csv(tmp_path, HEADER + "u,b,milk\u00a0,2017-12-01\n u,b\t,milk,2017-12-01\n")
    assert read_transactions(path).lines.select("user_id", "basket_id", "item_id").rows() == [
        ("u", "b", "milk")
    ]


def test_an_id_may_be_as_long_as_requests_allow(tmp_path: Path) -> None:
    path = parquet(tmp_path / "t.parquet", item_id=["é" * ID_CHARS])
    assert pairs(read_transactions(path)) == [("b", "é" * ID_CHARS)]


def test_a_time_of_the_farthest_zone_is_not_in_the_future(tmp_path: Path) -> None:
    local = datetime.now(UTC).replace(tzinfo=None) + timedelta(hours=14)
    path = parquet(tmp_path / "t.parquet", timestamp=[local, naive("1970-01-01")])
    assert read_transactions(path).summary.rows_kept == 2


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
    assert pairs(transactions) == [("b", "milk"), ("b", "tea")]
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


# Invariants

ROWS = st.lists(
    st.tuples(st.integers(0, 9), st.integers(0, 6), st.integers(0, 40), st.integers(1, 3)),
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
