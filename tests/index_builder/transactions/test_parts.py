"""Files read a part at a time: lines, counts, notices and refusals are those of the whole file."""

import csv
import io
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.errors import DataError
from index_builder.transactions.reading import Reading
from index_builder.transactions.tables import Format, Wanted, open_file
from index_builder.transactions.tables.timestamps import TimestampFormat
from index_builder.transactions.transactions import read_transactions

WHOLE = 1 << 20
COLUMNS = ("user_id", "basket_id", "item_id", "timestamp", "quantity", "event_id")

GOOD = {
    "user_id": ["ann", "bob"],
    "basket_id": ["b1", "b2", "b3"],
    "item_id": ["milk", "two\nlines", '6" plate', "7", "007", "ä"],
    "timestamp": ["2017-12-01", "2017-12-02 10:00", "20171203T101500"],
    "quantity": ["1", "2", ""],
    "event_id": [""],
}
ODD = {
    "user_id": [" ann", "", "NULL", "guest", "0"],
    "basket_id": ["", "b1\n", "NULL", "x" * 300],
    "item_id": ["7.0", "007.00", "", "null", "1.5E+12", '"milk"', "x" * 300],
    "timestamp": [
        "",
        "NULL",
        "never",
        "2017-12-01T10:00Z",
        "1912-01-01",
        "2999-01-01",
        "31/12/2017",
    ],
    "quantity": ["-1", "many", "1e300", "inf", "NULL"],
    "event_id": ["e1", "e2", " "],
}
READINGS = [
    Reading(guests=frozenset({"guest", "nobody"})),
    Reading(missing=frozenset({"NULL"})),
    Reading(missing=frozenset(), timestamps=TimestampFormat("%d/%m/%Y", "Europe/Berlin")),
]


@st.composite
def shops(draw: st.DrawFn) -> list[dict[str, str]]:
    """Lines of which some columns have odd values, so that every check comes first at times."""
    odd = draw(st.sets(st.sampled_from(COLUMNS), max_size=2))
    values = {
        name: st.sampled_from(
            GOOD[name] * 3 + draw(st.lists(st.sampled_from(ODD[name]), max_size=2))
        )
        if name in odd
        else st.sampled_from(GOOD[name])
        for name in COLUMNS
    }
    return draw(st.lists(st.fixed_dictionaries(values), min_size=1, max_size=14))


def as_csv(lines: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for number, line in enumerate(lines):
        writer.writerow(line)
        text.write("\n" * (number % 4 == 3))
    return text.getvalue()


def found_in(path: Path, reading: Reading) -> Any:
    """What is read, or what refuses it."""
    try:
        transactions = read_transactions(path, reading)
    except DataError as error:
        return type(error), re.sub("to .*Z, a day from", "to a day from", str(error))
    summary = transactions.summary
    return transactions.lines.rows(), summary, list(summary.dropped.items())


@pytest.mark.parametrize("reading", READINGS)
@settings(max_examples=40)
@given(lines=shops(), part_rows=st.integers(1, 5))
def test_the_size_of_parts_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    reading: Reading,
    lines: list[dict[str, str]],
    part_rows: int,
) -> None:
    path = tmp_path_factory.mktemp("shop") / "t.csv"
    path.write_text(as_csv(lines), newline="")
    whole = found_in(path, replace(reading, part_rows=WHOLE))
    assert found_in(path, replace(reading, part_rows=part_rows)) == whole


@settings(max_examples=30)
@given(
    ids=st.lists(st.sampled_from([1.0, 2.0, 3.5, None]), min_size=1), part_rows=st.integers(1, 4)
)
def test_numbers_are_ids_if_all_of_the_file_are_whole(
    tmp_path_factory: pytest.TempPathFactory, ids: list[float | None], part_rows: int
) -> None:
    path = tmp_path_factory.mktemp("shop") / "t.parquet"
    pl.DataFrame(
        {"user_id": ids, "basket_id": "b", "item_id": range(len(ids)), "timestamp": "2017-12-01"},
        schema_overrides={"user_id": pl.Float64},
    ).write_parquet(path)
    reading = Reading(missing=frozenset())
    whole = found_in(path, replace(reading, part_rows=WHOLE))
    assert found_in(path, replace(reading, part_rows=part_rows)) == whole


def test_the_first_wrong_lines_are_counted_over_all_parts(tmp_path: Path) -> None:
    lines = [GOOD_LINE | {"item_id": f"i{row}"} for row in range(20)]
    for row in (3, 4, 8, 9, 11, 15, 19):
        lines[row]["item_id"] = ""
    lines[1]["timestamp"] = "never"  # of an earlier part, and refused by a later check
    (tmp_path / "t.csv").write_text(as_csv(lines))
    with pytest.raises(DataError, match="7 of 20 rows have no item_id") as caught:
        read_transactions(tmp_path / "t.csv", Reading(part_rows=3))
    shown = str(caught.value).splitlines()[3:8]
    assert [line.split()[0] for line in shown] == ["5", "7", "12", "13", "15"]


def test_zones_may_not_differ_between_parts(tmp_path: Path) -> None:
    moments = ["2017-12-01T10:00Z", "2017-12-01T11:00Z", "2017-12-01T12:00"]
    lines = [GOOD_LINE | {"timestamp": moment} for moment in moments]
    (tmp_path / "t.csv").write_text(as_csv(lines))
    with pytest.raises(DataError, match="1 of 3 rows have a timestamp without a timezone"):
        read_transactions(tmp_path / "t.csv", Reading(part_rows=2))


def test_an_id_and_its_fraction_may_be_in_any_parts(tmp_path: Path) -> None:
    lines = [GOOD_LINE | {"item_id": item} for item in ("7", "milk", "milk", "7.0")]
    (tmp_path / "t.csv").write_text(as_csv(lines))
    (notice,) = read_transactions(tmp_path / "t.csv", Reading(part_rows=1)).summary.notices
    assert notice.text == (
        "1 of 4 rows have a value in item_id that ends in .0, and others have the same without it, "
        "which is another id; export it as a whole number"
    )


def test_a_line_takes_its_moment_from_a_later_part(tmp_path: Path) -> None:
    rows = [("b1", "a", ""), ("b2", "a", "2017-12-02"), ("b2", "b", ""), ("b1", "b", "2017-12-01")]
    lines = [
        GOOD_LINE | {"basket_id": basket, "item_id": item, "timestamp": moment}
        for basket, item, moment in rows
    ]
    (tmp_path / "t.csv").write_text(as_csv(lines))
    read = read_transactions(tmp_path / "t.csv", Reading(missing=frozenset(), part_rows=1)).lines
    assert [(*row[1:3], f"{row[3]:%d}") for row in read.rows()] == [
        ("b1", "a", "01"), ("b1", "b", "01"), ("b2", "a", "02"), ("b2", "b", "02"),
    ]  # fmt: skip


def test_records_larger_than_a_block_are_read_among_others(tmp_path: Path) -> None:
    """Fields with quoted newlines, some of 20 MB and one of 40 MB, and small records between."""
    text = ("x" * 1000 + "\n") * 20_000
    notes = ["small", text, "small", text, "small", text + text, "small"]
    with (tmp_path / "t.csv").open("w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("note", *COLUMNS[:4]))
        for row, note in enumerate(notes):
            writer.writerow((note, "ann", f"b{row}", f"i\n{row}", "2017-12-01"))
    found = read_transactions(tmp_path / "t.csv", Reading(part_rows=2))
    assert found.lines["item_id"].to_list() == [f"i\n{row}" for row in range(len(notes))]


GOOD_LINE = {name: values[0] for name, values in GOOD.items()}


@settings(max_examples=20)
@given(sizes=st.lists(st.integers(0, 7), min_size=1, max_size=6), part_rows=st.integers(1, 9))
def test_row_groups_of_any_size_are_read_in_order(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], part_rows: int
) -> None:
    path = tmp_path_factory.mktemp("shop") / "t.parquet"
    items = iter(range(100))
    schema = pa.schema({"item_id": pa.int64()})
    with pq.ParquetWriter(path, schema) as writer:
        for size in sizes:
            rows = {"item_id": [next(items) for _ in range(size)]}
            writer.write_table(pa.table(rows, schema))
    parts = list(open_file(path, Wanted(["item_id"], [], Format())).parts(part_rows))
    frame = pl.concat([part.frame for part in parts])
    assert frame.rows() == [(row, row) for row in range(sum(sizes))]
    assert all(part.frame.height <= part_rows for part in parts)
