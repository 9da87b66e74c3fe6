"""Cancellations: what returns and voided lines take back."""

from collections import defaultdict
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.errors import EmptyDataError
from index_builder.transactions.reading import Reading
from index_builder.transactions.transactions import Transactions, read_transactions
from tests.data.transaction_files import csv

HEADER = "user_id,basket_id,item_id,timestamp,quantity\n"


def read(tmp_path: Path, *lines: str, missing: bool = False) -> Transactions:
    reading = Reading(missing=frozenset() if missing else None)
    return read_transactions(csv(tmp_path, HEADER + "\n".join(lines) + "\n"), reading)


def purchases(transactions: Transactions) -> list[tuple[str, str]]:
    return transactions.lines.select("basket_id", "item_id").rows()


def test_a_return_takes_its_purchase_back(tmp_path: Path) -> None:
    transactions = read(
        tmp_path, "u,1,milk,2026-01-01,2", "u,1,tea,2026-01-01,1", "u,C2,milk,2026-01-05,-2"
    )
    assert purchases(transactions) == [("1", "tea")]
    assert transactions.summary.dropped == {
        "cancellations (quantity 0 or less)": 1,
        "purchases taken back": 1,
    }
    assert transactions.summary.rows_read == 3
    assert (transactions.summary.baskets, transactions.summary.items) == (1, 1)


def test_a_part_of_a_purchase_may_come_back(tmp_path: Path) -> None:
    lines = ["u,1,milk,2026-01-01,6", "u,1,tea,2026-01-01,1", "u,C2,milk,2026-01-05,-2"]
    assert purchases(read(tmp_path, *lines)) == [("1", "milk"), ("1", "tea")]
    lines.append("u,C3,milk,2026-01-06,-4")
    assert purchases(read(tmp_path, *lines)) == [("1", "tea")]


def test_the_latest_purchases_before_the_return_come_back_first(tmp_path: Path) -> None:
    transactions = read(
        tmp_path,
        "u,1,milk,2026-01-01,1",
        "u,2,milk,2026-01-02,1",
        "u,4,milk,2026-01-04,1",
        "u,C3,milk,2026-01-03,-1",
    )
    assert purchases(transactions) == [("1", "milk"), ("4", "milk")]


@pytest.mark.parametrize(
    "line",
    [
        "v,C2,milk,2026-01-05,-1",  # another user
        "u,C2,tea,2026-01-05,-1",  # another item
        "u,C2,milk,2025-12-31,-1",  # before the purchase
        "u,C2,milk,2026-01-05,0",
        ",C2,milk,2026-01-05,-1",  # nobody
    ],
)
def test_other_returns_teach_nothing(tmp_path: Path, line: str) -> None:
    transactions = read(tmp_path, "u,1,milk,2026-01-01,1", line, missing=True)
    assert purchases(transactions) == [("1", "milk")]
    assert transactions.summary.dropped == {"cancellations (quantity 0 or less)": 1}


def test_a_voided_line_of_a_basket_is_gone(tmp_path: Path) -> None:
    lines = ["u,1,milk,2026-01-01,-1", "u,1,milk,2026-01-01,1", "u,1,tea,2026-01-01,1"]
    assert purchases(read(tmp_path, *lines)) == [("1", "tea")]


def test_a_guest_takes_back_lines_of_the_same_basket_alone(tmp_path: Path) -> None:
    lines = [",1,milk,2026-01-01,1", ",2,milk,2026-01-02,1", ",2,milk,2026-01-02,-1"]
    assert purchases(read(tmp_path, *lines, missing=True)) == [("1", "milk")]


def test_returns_alone_are_no_shop(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError, match="found cancellations alone"):
        read(tmp_path, "u,1,milk,2026-01-01,-1")


LINES = st.lists(
    st.tuples(st.integers(0, 1), st.integers(0, 1), st.integers(1, 9), st.integers(-3, 3)),
    min_size=1,
    max_size=20,
)


@settings(deadline=None)
@given(lines=LINES)
def test_what_is_left_is_that_of_a_plain_account(
    lines: list[tuple[int, int, int, int]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    stock: dict[tuple[int, int], list[list[int]]] = defaultdict(list)  # day and quantity, by time
    for user, item, day, quantity in sorted(lines, key=lambda line: (line[2], line[3] <= 0)):
        if quantity > 0:
            stock[user, item].append([day, quantity])
        left = max(0, -quantity)
        while left and stock[user, item]:
            taken = min(left, stock[user, item][-1][1])
            left -= taken
            stock[user, item][-1][1] -= taken
            if not stock[user, item][-1][1]:
                stock[user, item].pop()
    expected = sorted(
        (f"u{user}", f"i{item}", day) for (user, item), bought in stock.items() for day, _ in bought
    )
    text = [
        f"u{user},b{row},i{item},2026-01-0{day},{quantity}"
        for row, (user, item, day, quantity) in enumerate(lines)
    ]
    if not expected:
        with pytest.raises(EmptyDataError):
            read(tmp_path_factory.mktemp("shop"), *text)
        return
    found = read(tmp_path_factory.mktemp("shop"), *text).lines
    columns = ("user_id", "item_id", pl.col("begun_at").dt.day().cast(int))
    assert sorted(found.select(columns).rows()) == expected
