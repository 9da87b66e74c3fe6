"""Encoding: a world small enough to check by hand, and what must hold in any world."""

from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console

from index_builder.transactions.encoded.encoding import (
    EncodedBaskets,
    EncodedTransactions,
    encode,
    encode_baskets,
    encode_later,
)
from index_builder.transactions.errors import TooFewBasketsError
from index_builder.transactions.transactions import Transactions, read_transactions
from service.support.arrays.array_types import Int32

Row = tuple[str, str, str, datetime]
CUT = datetime.fromisoformat("2017-12-01")
ARRAYS = ("basket_indptr", "basket_items", "basket_user", "basket_begun")


def day(number: int) -> datetime:
    return CUT + timedelta(days=number)


def basket(user: str, name: str, begun: datetime, items: str) -> list[Row]:
    return [(user, name, item, begun) for item in items.split()]


def shop(folder: Path, rows: list[Row]) -> Transactions:
    path = folder / "transactions.parquet"
    schema = ["user_id", "basket_id", "item_id", "timestamp"]
    pl.DataFrame(rows, schema=schema, orient="row").write_parquet(path)
    return read_transactions(path)


def items_of(baskets: EncodedBaskets) -> list[list[int]]:
    return [items.tolist() for items in np.split(baskets.basket_items, baskets.basket_indptr[1:-1])]


@pytest.fixture
def transactions(tmp_path: Path) -> Transactions:
    """Milk in three baskets, bread and tea in two, jam and figs in one; December is held out."""
    return shop(
        tmp_path,
        [
            *basket("bob", "b2", day(-3), "tea milk"),
            *basket("bob", "b1", day(-3), "milk bread"),
            *basket("ann", "a1", day(-9), "bread milk tea"),
            *basket("cat", "c1", day(-5), "jam"),
            *basket("dan", "d1", day(-2), "figs"),
            *basket("ann", "a2", day(0), "tea figs"),
            *basket("eve", "e1", day(1), "tea bread"),
            *basket("ann", "a3", day(2), "salt"),
        ],
    )


def test_the_world_by_hand(transactions: Transactions) -> None:
    encoded = encode(transactions, min_item_baskets=2, until=CUT)
    assert encoded.items["item_id"].to_list() == ["milk", "bread", "tea"]
    assert encoded.item_count.tolist() == [3, 2, 2]
    assert encoded.user_ids == ["ann", "bob", "cat", "dan"]  # eve came later
    assert items_of(encoded) == [[0, 1, 2], [0, 1], [0, 2]]
    assert encoded.basket_user.tolist() == [0, 1, 1]
    assert encoded.basket_begun.tolist() == [
        int((moment - datetime.fromisoformat("1970-01-01")).total_seconds())
        for moment in (day(-9), day(-3), day(-3))
    ]
    assert encoded.left_out == {
        "baskets of unknown users": 0,
        "baskets without a catalogue item": 2,
        "lines with other items": 2,
        "items below the threshold": 2,
        "catalogue items without a product": 3,
    }


def test_the_types_are_those_promised(transactions: Transactions) -> None:
    encoded = encode(transactions, min_item_baskets=2, until=CUT)
    held_out = encode_later(transactions.since(CUT), encoded)
    for baskets in (encoded, held_out):
        kinds = [getattr(baskets, name).dtype for name in ARRAYS]
        assert kinds == [np.int64, np.int32, np.int32, np.int64]
        assert all(getattr(baskets, name).flags.c_contiguous for name in ARRAYS)
    assert encoded.item_count.dtype == np.int32


def test_without_a_cut_all_baskets_are_training(transactions: Transactions) -> None:
    encoded = encode(transactions, min_item_baskets=1)
    assert encoded.n_baskets == 8
    assert encoded.items["item_id"].to_list() == ["tea", "bread", "milk", "figs", "jam", "salt"]


def test_held_out_baskets_leave_out_and_count_the_unknown(transactions: Transactions) -> None:
    encoded = encode(transactions, min_item_baskets=2, until=CUT)
    held_out = encode_later(transactions.since(CUT), encoded)
    assert items_of(held_out) == [[2]]
    assert held_out.basket_user.tolist() == [0]
    assert held_out.left_out == {
        "baskets of unknown users": 1,  # e1
        "baskets without a catalogue item": 1,  # a3
        "lines with other items": 2,
    }


def test_no_held_out_basket_is_no_error(transactions: Transactions) -> None:
    none = encode_baskets(transactions.since(day(99)), {"milk": 0}, {"ann": 0})
    assert (none.n_baskets, none.basket_indptr.tolist()) == (0, [0])
    assert encode_baskets(transactions, {}, {}).n_baskets == 0


def test_indices_need_not_be_those_of_an_encoding(transactions: Transactions) -> None:
    encoded = encode_baskets(transactions, {"tea": 70, "milk": 30, "bread": 50}, {"bob": 6})
    assert items_of(encoded) == [[30, 50], [30, 70]]
    assert encoded.basket_user.tolist() == [6, 6]


def test_products_name_the_items_that_they_have(transactions: Transactions) -> None:
    products = pl.DataFrame(
        {
            "item_id": ["bread", "milk", "unsold"],
            "name": ["Loaf", "Oat milk", "?"],
            "department": ["Bakery", "", ""],
            "category": ["Bread", "Milk", ""],
            "subcategory": ["", "", ""],
        }
    )
    encoded = encode(transactions, products, min_item_baskets=2, until=CUT)
    assert encoded.items.rows() == [
        ("milk", "Oat milk", "", "Milk", ""),
        ("bread", "Loaf", "Bakery", "Bread", ""),
        ("tea", "tea", "", "", ""),
    ]
    assert encoded.left_out["catalogue items without a product"] == 1


def test_a_shop_too_small_says_what_to_do(transactions: Transactions) -> None:
    with pytest.raises(TooFewBasketsError) as caught:
        encode(transactions, until=CUT)
    message = str(caught.value)
    assert "before 2017-12-01" in message
    assert "none holds two items that are in 10 baskets or more" in message
    assert "Found: 5 baskets, 5 items, the most bought of them in 3 baskets" in message
    assert "Lower the threshold" in message


@pytest.mark.parametrize(("threshold", "until"), [(3, CUT), (1, day(-99))])
def test_nothing_to_learn_is_refused(
    transactions: Transactions, threshold: int, until: datetime
) -> None:
    with pytest.raises(TooFewBasketsError):
        encode(transactions, min_item_baskets=threshold, until=until)


def test_the_encoding_is_readable(transactions: Transactions) -> None:
    console = Console(file=StringIO())
    with console.capture() as printed:
        console.print(encode(transactions, min_item_baskets=2, until=CUT))
    text = printed.get()
    for words in ("Training data", "catalogue items", "baskets without a catalogue item"):
        assert words in text
    assert "unknown users" not in text  # there are none


# Invariants

# A basket is (number, day, item numbers); its user follows from its number.
BASKETS = st.lists(
    st.tuples(st.integers(-20, 5), st.sets(st.integers(0, 8), min_size=1)), max_size=25
)


def rows_of(baskets: list[tuple[int, set[int]]], prefix: str = "b") -> list[Row]:
    return [
        (f"u{number % 4}", f"{prefix}{number}", f"i{item}", day(begun))
        for number, (begun, items) in enumerate(baskets)
        for item in sorted(items)
    ]


def same(one: EncodedTransactions, other: EncodedTransactions) -> bool:
    def parts(encoded: EncodedTransactions) -> tuple[object, ...]:
        arrays: list[Int32] = [getattr(encoded, name) for name in (*ARRAYS, "item_count")]
        tables = (encoded.items.rows(), list(encoded.user_ids), encoded.left_out)
        return (*(array.tobytes() for array in arrays), *tables)

    return parts(one) == parts(other)


@settings(deadline=None)
@given(baskets=BASKETS, data=st.data())
def test_the_order_of_rows_does_not_matter(
    baskets: list[tuple[int, set[int]]],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    rows = rows_of([(-30, {0, 1}), *baskets])
    shuffled = data.draw(st.permutations(rows))
    one, other = (
        encode(shop(folder, order), min_item_baskets=1, until=CUT) for order in (rows, shuffled)
    )
    assert same(one, other)


@settings(deadline=None)
@given(past=BASKETS, future=BASKETS, data=st.data())
def test_baskets_that_begin_at_the_cut_or_later_do_not_matter(
    past: list[tuple[int, set[int]]],
    future: list[tuple[int, set[int]]],
    data: st.DataObject,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    before = rows_of([(-30, {0, 1}), *((min(begun, -1), items) for begun, items in past)])
    after = rows_of([(abs(begun), items) for begun, items in future], prefix="later")
    rows = data.draw(st.permutations([*before, *after]))
    one, other = (
        encode(shop(folder, world), min_item_baskets=1, until=CUT) for world in (before, rows)
    )
    assert same(one, other)


@settings(deadline=None)
@given(baskets=BASKETS, threshold=st.integers(1, 3))
def test_encoded_baskets_decode_to_the_lines_read(
    baskets: list[tuple[int, set[int]]],
    threshold: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    world = [(-30, {0, 1})] * threshold + baskets
    transactions = shop(tmp_path_factory.mktemp("shop"), rows_of(world))
    encoded = encode(transactions, min_item_baskets=threshold, until=CUT)
    training = transactions.until(CUT).lines

    # The catalogue is what enough baskets hold, most popular first.
    counts = dict(training["item_id"].value_counts().rows())
    ranked = sorted((-count, item) for item, count in counts.items() if count >= threshold)
    assert list(zip(-encoded.item_count, encoded.items["item_id"], strict=True)) == ranked

    # Every training line of a catalogue item is there, once, with its user.
    names, users = encoded.items["item_id"].to_list(), encoded.user_ids
    kept = training.filter(pl.col("item_id").is_in(names)).group_by("basket_id")
    read = kept.agg(pl.col("user_id", "begun_at").first(), "item_id").sort("begun_at", "basket_id")
    assert [
        (users[user], begun, sorted(names[item] for item in items))
        for user, begun, items in zip(
            encoded.basket_user, encoded.basket_begun, items_of(encoded), strict=True
        )
    ] == [
        (user, int((begun - datetime.fromisoformat("1970-01-01")).total_seconds()), sorted(items))
        for _, user, begun, items in read.rows()
    ]
    assert encoded.user_ids == sorted(set(training["user_id"]))
    assert encoded.item_count.sum() == encoded.basket_items.size

    # Within a basket items ascend.
    assert all(np.all(np.diff(items) > 0) for items in items_of(encoded))

    # Training baskets encoded as though they were held out are the same.
    again = encode_later(transactions.until(CUT), encoded)
    assert all(np.array_equal(getattr(again, name), getattr(encoded, name)) for name in ARRAYS)
