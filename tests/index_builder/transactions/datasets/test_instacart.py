"""Instacart's files, generated small: the calendar is checked by hand and by its rules."""

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index_builder.transactions.datasets import instacart
from index_builder.transactions.encoded.encoding import encode, encode_later
from index_builder.transactions.errors import (
    BadRowsError,
    EmptyIdError,
    MissingColumnError,
    MissingDatasetError,
)

FINAL_WEEK = instacart.FINAL_WEEK
ORDERS = (
    "order_id,user_id,eval_set,order_number,order_dow,order_hour_of_day,days_since_prior_order\n"
)

# User 1: a Monday, the Thursday three days on, a Friday five weeks and a day later (the gap is
# capped). User 2: two orders on one Sunday, and a last one of which the products are secret.
ORDER_ROWS = (
    "11,1,prior,1,2,08,\n"
    "12,1,prior,2,5,23,3.0\n"
    "13,1,train,3,6,10,30.0\n"
    "22,2,prior,2,1,09,0.0\n"
    "21,2,prior,1,1,17,\n"
    "23,2,test,3,3,12,9.0\n"
)


def dataset(folder: Path, orders: str = ORDER_ROWS, **files: str) -> Path:
    products = "order_id,product_id,add_to_cart_order,reordered\n"
    content = {
        "orders": ORDERS + orders,
        "order_products__prior": products + "11,5,1,0\n11,6,2,0\n12,5,1,1\n21,5,1,0\n22,6,1,0\n",
        "order_products__train": products + "13,5,1,1\n13,6,2,1\n",
        "products": "product_id,product_name,aisle_id,department_id\n"
        '5,"Bread, ""Rye""",31,3\n6,Milk,84,4\n7,Unsold,99,4\n',
        "aisles": "aisle_id,aisle\n31,bread\n84,milk\n",
        "departments": "department_id,department\n3,bakery\n4,dairy eggs\n",
        **files,
    }
    for name, text in content.items():
        (folder / f"{name}.csv").write_text(text)
    return folder


def test_the_calendar_by_hand(tmp_path: Path) -> None:
    transactions, _ = instacart.read(dataset(tmp_path))
    begun = dict(transactions.lines.select("basket_id", "begun_at").rows())
    friday = FINAL_WEEK + timedelta(days=6)
    assert begun == {
        "13": friday + timedelta(hours=10, seconds=3),
        "12": friday - timedelta(days=36) + timedelta(hours=23, seconds=2),
        "11": friday - timedelta(days=39) + timedelta(hours=8, seconds=1),
        # Order 23 has no products, but its Tuesday places the Sunday nine days before it.
        "21": FINAL_WEEK - timedelta(days=6) + timedelta(hours=17, seconds=1),
        "22": FINAL_WEEK - timedelta(days=6) + timedelta(hours=17, seconds=2),
    }
    assert [begun[name].strftime("%a") for name in ("11", "12", "13", "21")] == [
        "Mon",
        "Thu",
        "Fri",
        "Sun",
    ]


def test_lines_and_summary(tmp_path: Path) -> None:
    transactions, _ = instacart.read(dataset(tmp_path))
    assert set(transactions.lines.select("user_id", "basket_id", "item_id").rows()) == {
        *(("1", basket, item) for basket in ("11", "13") for item in ("5", "6")),
        ("1", "12", "5"),
        ("2", "21", "5"),
        ("2", "22", "6"),
    }
    summary = transactions.summary
    assert (summary.source, summary.rows_read, dict(summary.dropped)) == ("Instacart 2017", 7, {})


def test_products_with_their_taxonomy(tmp_path: Path) -> None:
    _, products = instacart.read(dataset(tmp_path))
    assert products.rows() == [
        ("5", 'Bread, "Rye"', "bakery", "bread", ""),
        ("6", "Milk", "dairy eggs", "milk", ""),
        ("7", "Unsold", "dairy eggs", "", ""),
    ]


def test_the_final_week_tests_on_last_orders_alone(tmp_path: Path) -> None:
    transactions, products = instacart.read(dataset(tmp_path))
    training = encode(transactions, products, min_item_baskets=1, until=FINAL_WEEK)
    assert training.n_baskets == 4
    later = transactions.since(FINAL_WEEK)
    assert set(later.lines["basket_id"]) == {"13"}
    assert encode_later(later, training).n_baskets == 1


def test_lines_of_orders_that_are_not_there_are_counted(tmp_path: Path) -> None:
    folder = dataset(tmp_path, orders=ORDER_ROWS.replace("12,1,", "99,1,"))
    summary = instacart.read(folder)[0].summary
    assert summary.dropped == {"lines of unknown orders": 1}
    assert summary.rows_read == 7


def test_missing_files_are_named(tmp_path: Path) -> None:
    folder = dataset(tmp_path)
    (folder / "aisles.csv").unlink()
    (folder / "order_products__train.csv").unlink()
    with pytest.raises(MissingDatasetError, match=r"no order_products__train.csv, aisles.csv\."):
        instacart.read(folder)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingDatasetError, match="Instacart"):
        instacart.read(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("31,3,prior,one,2,08,\n", "1 of 7 rows have no number in order_number"),
        ("31,3,prior,1,,08,\n", "1 of 7 rows have no number in order_dow"),
        ("31,3,prior,1,2,08,soon\n", "1 of 7 rows have no number in days_since_prior_order"),
        ("11,3,prior,1,2,08,\n", "2 of 7 rows share their order_id"),
    ],
)
def test_orders_that_make_no_sense_are_refused(tmp_path: Path, row: str, problem: str) -> None:
    with pytest.raises(BadRowsError, match=problem):
        instacart.read(dataset(tmp_path, orders=ORDER_ROWS + row))


def test_an_order_without_user_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyIdError, match="have no user_id"):
        instacart.read(dataset(tmp_path, orders=ORDER_ROWS + "31,,prior,1,2,08,\n"))


def test_another_file_under_that_name_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MissingColumnError, match=r"aisles\.csv: no column 'aisle'"):
        instacart.read(dataset(tmp_path, aisles="aisle_id,name\n1,bread\n"))


USERS = st.lists(
    st.lists(
        st.tuples(st.integers(0, 30), st.integers(0, 6), st.integers(0, 23)),
        min_size=1,
        max_size=8,
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None)
@given(users=USERS)
def test_the_rules_of_the_calendar(
    users: list[list[tuple[int, int, int]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    # Real files are consistent: the weekday follows from the gap, unless the gap is capped.
    rows, lines, expected = [], [], []
    for user, orders in enumerate(users):
        weekday = 0
        for number, (gap, step, hour) in enumerate(orders, start=1):
            days = gap + (step if gap == instacart.LONGEST_GAP else 0)
            weekday = (weekday + days) % 7
            since = "" if number == 1 else f"{gap}.0"
            basket = f"{user}-{number}"
            rows.append(f"{basket},{user},prior,{number},{weekday},{hour:02},{since}\n")
            lines.append(f"{basket},5,1,0\n")
            expected.append((f"{user}", basket, number, days, weekday))
    header = "order_id,product_id,add_to_cart_order,reordered\n"
    folder = dataset(
        tmp_path_factory.mktemp("instacart"),
        orders="".join(rows),
        order_products__prior=header + "".join(lines),
        order_products__train=header + "none,5,1,0\n",
    )
    begun = dict(instacart.read(folder)[0].lines.select("basket_id", "begun_at").rows())
    assert len(begun) == len(rows)
    previous: tuple[str, datetime] = ("", FINAL_WEEK)
    for user_id, basket, number, days, weekday in expected:
        moment = begun[basket]
        assert (moment.date() - FINAL_WEEK.date()).days % 7 == weekday
        if number > 1:
            assert moment > previous[1]
            assert (moment.date() - previous[1].date()).days == days
        elif previous[0]:
            assert timedelta() <= previous[1] - FINAL_WEEK < timedelta(days=7)
        previous = (user_id, moment)
    assert timedelta() <= previous[1] - FINAL_WEEK < timedelta(days=7)
