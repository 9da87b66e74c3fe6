"""Events among a shop's own lines: each counts once, and none makes a build fail."""

from pathlib import Path

import polars as pl
import pytest

from index_builder.transactions.errors import ColumnTypeError, SharedBasketError
from index_builder.transactions.reading import Reading
from index_builder.transactions.transactions import Transactions, read_transactions
from tests.data.transaction_files import csv, parquet


def bought(transactions: Transactions) -> list[tuple[str, str, str]]:
    columns = ("user_id", "basket_id", "item_id")
    return sorted(transactions.lines.select(columns).rows())


def write_events(path: Path, *events: str) -> None:
    """Write a file of events, each `event user basket item`."""
    columns = zip(*[event.split() for event in events], strict=True)
    names = ("event_id", "user_id", "basket_id", "item_id")
    parquet(path, **{name: list(each) for name, each in zip(names, columns, strict=True)})


def test_events_of_several_machines_count_once(tmp_path: Path) -> None:
    write_events(tmp_path / "a" / "1.parquet", "e1 ann b1 milk", "e2 ann b1 tea")
    write_events(tmp_path / "b" / "1.parquet", "e1 ann b1 milk", "e3 bob b2 tea")
    write_events(tmp_path / "b" / "2.parquet", "e2 ann b1 tea", "e1 ann b1 milk")
    found = read_transactions(tmp_path)
    assert bought(found) == [
        ("ann", "b1", "milk"),
        ("ann", "b1", "tea"),
        ("bob", "b2", "tea"),
    ]
    assert found.summary.dropped == {"repeated events": 3}
    assert found.summary.rows_read == 6
    assert not found.summary.unused_columns


def test_two_events_of_one_item_are_two_of_it(tmp_path: Path) -> None:
    write_events(tmp_path / "1.parquet", "e1 ann b1 milk", "e2 ann b1 milk")
    found = read_transactions(tmp_path)
    assert bought(found) == [("ann", "b1", "milk")]
    assert found.summary.dropped == {"duplicate lines, merged": 1}


@pytest.mark.parametrize("events", ["1-first.parquet", "3-last.parquet"])
def test_the_shops_own_lines_name_the_owner_of_a_basket(tmp_path: Path, events: str) -> None:
    write_events(tmp_path / events, "e1 thief b milk", "e2 ann b tea", "e3 thief c milk")
    parquet(tmp_path / "2-shop.parquet", user_id=["ann"], item_id=["bread"])
    found = read_transactions(tmp_path)
    assert bought(found) == [
        ("ann", "b", "bread"),
        ("ann", "b", "tea"),
        ("thief", "c", "milk"),
    ]
    assert found.summary.dropped == {"events of another user's basket": 1}


def test_among_events_the_first_names_the_owner(tmp_path: Path) -> None:
    write_events(tmp_path / "a.parquet", "e1 ann b milk")
    write_events(tmp_path / "b.parquet", "e2 bob b milk", "e3 bob c milk", "e4 ann b tea")
    found = read_transactions(tmp_path)
    assert bought(found) == [
        ("ann", "b", "milk"),
        ("ann", "b", "tea"),
        ("bob", "c", "milk"),
    ]
    assert found.summary.dropped == {"events of another user's basket": 1}


def test_lines_left_out_do_not_change_when_a_basket_began(tmp_path: Path) -> None:
    day = pl.Series(["2017-12-02", "2017-12-01"]).str.to_datetime()
    told_by = {"event_id": ["e1", "e2"], "user_id": ["ann", "thief"]}
    found = read_transactions(parquet(tmp_path / "t.parquet", timestamp=day, **told_by))
    assert found.summary.first == day[0]


def test_a_basket_that_two_users_share_in_the_shops_own_lines_stays_an_error(
    tmp_path: Path,
) -> None:
    write_events(tmp_path / "1.parquet", "e1 ann b milk")
    parquet(tmp_path / "2.parquet", user_id=["ann", "bob"])
    with pytest.raises(SharedBasketError, match="1 of 1 values of basket_id"):
        read_transactions(tmp_path)


def test_a_line_without_an_event_id_is_the_shops_own(tmp_path: Path) -> None:
    header = "user_id,basket_id,item_id,timestamp,event_id\n"
    lines = "ann,b,milk,2017-12-01,\nann,b,milk,2017-12-01,\nbob,b,tea,2017-12-01,7\n"
    found = read_transactions(csv(tmp_path, header + lines))
    assert bought(found) == [("ann", "b", "milk")]
    assert found.summary.dropped["events of another user's basket"] == 1


def test_a_line_with_a_blank_event_id_is_no_event(tmp_path: Path) -> None:
    found = read_transactions(parquet(tmp_path / "t.parquet", event_id=["", "", " "]))
    assert (found.lines.height, dict(found.summary.dropped)) == (3, {})


def test_events_of_guests_count_like_their_other_lines(tmp_path: Path) -> None:
    header = "user_id,basket_id,item_id,timestamp,event_id\n"
    lines = ",b,milk,2017-12-01,\n,b,tea,2017-12-01,1\nann,b,jam,2017-12-01,2\n"
    lines += "till,c,jam,2017-12-01,\ntill,c,tea,2017-12-01,3\n"
    reading = Reading(missing=frozenset(), guests=frozenset({"till"}))
    found = read_transactions(csv(tmp_path, header + lines), reading)
    assert sorted(found.lines.select("basket_id", "item_id").rows()) == [
        ("b", "milk"),
        ("b", "tea"),
        ("c", "jam"),
        ("c", "tea"),
    ]
    assert found.lines["user_id"].null_count() == 4
    assert found.summary.dropped == {"events of another user's basket": 1}


def test_an_event_id_is_a_string_or_an_integer(tmp_path: Path) -> None:
    assert read_transactions(parquet(tmp_path / "1.parquet", event_id=[7])).lines.height == 1
    with pytest.raises(ColumnTypeError, match="'event_id' holds Float64"):
        read_transactions(parquet(tmp_path / "2.parquet", event_id=[0.5]))
