"""Reading products: names and taxonomy."""

from pathlib import Path

import polars as pl
import pytest

from index_builder.transactions.errors import (
    DuplicateItemError,
    EmptyDataError,
    EmptyIdError,
    LongIdError,
    MissingColumnError,
    PriceError,
)
from index_builder.transactions.products import read_products

HEADER = "item_id,name,department,category,subcategory\n"


def csv(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "products.csv"
    path.write_text(HEADER + text, encoding="utf-8")
    return path


def test_products_are_strings_without_nulls_in_the_order_of_ids(tmp_path: Path) -> None:
    path = csv(tmp_path, "i2,Milk, Dairy ,,\ni1,,,Bread,Rolls\ni3,  ,,,\n")
    assert read_products(path).rows() == [
        ("i1", "i1", "", "Bread", "Rolls"),
        ("i2", "Milk", "Dairy", "", ""),
        ("i3", "i3", "", "", ""),
    ]


def test_parquet_with_integer_ids_and_empty_levels(tmp_path: Path) -> None:
    path = tmp_path / "products.parquet"
    levels = {level: [None, None] for level in ("department", "category", "subcategory")}
    pl.DataFrame({"item_id": [10, 9], "name": [None, "Tea"], **levels}).write_parquet(path)
    assert read_products(path).rows() == [("10", "10", "", "", ""), ("9", "Tea", "", "", "")]


def test_names_keep_commas_quotes_and_every_script(tmp_path: Path) -> None:
    path = csv(tmp_path, 'i1,"Crème, ""fraîche"" 牛乳",,,\n')
    assert read_products(path)["name"].item() == 'Crème, "fraîche" 牛乳'


def test_a_repeated_item_is_refused(tmp_path: Path) -> None:
    path = csv(tmp_path, "i1,Milk,,,\ni2,Tea,,,\ni1,Oat milk,,,\n")
    with pytest.raises(DuplicateItemError) as caught:
        read_products(path)
    message = str(caught.value)
    assert "products.csv: 2 of 3 rows share their item_id with another row" in message
    assert "\n  2     i1       Milk" in message
    assert "\n  4     i1       Oat milk" in message


def test_an_item_without_id_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyIdError, match="1 of 1 rows have no item_id"):
        read_products(csv(tmp_path, ",Milk,,,\n"))


@pytest.mark.parametrize("place", range(1, 4))
def test_a_category_that_no_request_may_name_is_refused(tmp_path: Path, place: int) -> None:
    levels = ["", "", ""]
    levels[place - 1] = "x" * 129
    with pytest.raises(LongIdError, match="more than 128 characters"):
        read_products(csv(tmp_path, f"i1,Milk,{','.join(levels)}\n"))


def test_a_name_may_be_long(tmp_path: Path) -> None:
    assert read_products(csv(tmp_path, f"i1,{'x' * 999},,,\n"))["name"].item() == "x" * 999


def test_every_level_must_have_its_column(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    path.write_text("item_id,name,departement,subcategory\n")
    with pytest.raises(MissingColumnError) as caught:
        read_products(path)
    message = str(caught.value)
    assert "no columns 'department', 'category'" in message
    assert "Rename 'departement' to 'department'?" in message
    assert "subcategory' to" not in message


def test_no_products_at_all_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EmptyDataError):
        read_products(csv(tmp_path, ""))


def priced(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "products.csv"
    path.write_text("\n".join([HEADER.strip() + ",brand,price", *rows]) + "\n", encoding="utf-8")
    return path


def test_brands_and_prices_are_taken_where_they_are_given(tmp_path: Path) -> None:
    found = read_products(priced(tmp_path, "i2,Milk,,,, Own ,0.99", "i1,Tea,,,,,"))
    assert found.select("item_id", "brand", "price").rows() == [
        ("i1", "", None),
        ("i2", "Own", 0.99),
    ]
    only_brands = found.drop("price")
    only_brands.write_parquet(path := tmp_path / "products.parquet")
    assert read_products(path).equals(only_brands)


def test_groups_of_variants_are_taken_where_they_are_given(tmp_path: Path) -> None:
    path = tmp_path / "products.csv"
    rows = ("i1,Shirt S,,,, 17 ", "i2,Shirt M,,,,17", "i3,Mug,,,,")
    path.write_text("\n".join([HEADER.strip() + ",group_id", *rows]) + "\n")
    assert read_products(path)["group_id"].to_list() == ["17", "17", ""]


@pytest.mark.parametrize(
    ("price", "message"),
    [("cheap", "price that is no number"), ("inf", "no number"), ("-1", "price below 0")],
)
def test_a_price_that_is_none_is_refused(tmp_path: Path, price: str, message: str) -> None:
    with pytest.raises(PriceError, match=f"1 of 2 rows have a {message}|1 of 2 .*{message}"):
        read_products(priced(tmp_path, f"i1,Milk,,,,,{price}", "i2,Tea,,,,,1"))


@pytest.mark.parametrize(
    ("category", "first", "more"),
    [
        ("Milk|Breakfast", "Milk", "Breakfast"),
        (" Milk | Breakfast |Milk| ", "Milk", "Breakfast"),
        ('"[""Milk"", ""Breakfast|Brunch"", ""Cold""]"', "Milk", "Breakfast|Brunch\nCold"),
        ("[Sale]|Milk", "[Sale]", "Milk"),
        ("|", "", ""),
        ("[]", "", ""),
    ],
)
def test_an_item_may_have_several_categories(
    tmp_path: Path, category: str, first: str, more: str
) -> None:
    found = read_products(csv(tmp_path, f"i1,Oats,,{category},\ni2,Tea,,Tea,\n"))
    assert found["category"].to_list() == [first, "Tea"]
    assert found["more_categories"].to_list() == [more, ""]


def test_several_categories_may_be_a_list(tmp_path: Path) -> None:
    path = tmp_path / "products.parquet"
    pl.DataFrame(
        {
            "item_id": ["i1", "i2", "i3"],
            "name": ["Oats", "Tea", "Jam"],
            "department": "",
            "category": [["Milk", "Breakfast"], None, ["Jam"]],
            "subcategory": "",
        }
    ).write_parquet(path)
    found = read_products(path)
    assert found["category"].to_list() == ["Milk", "", "Jam"]
    assert found["more_categories"].to_list() == ["Breakfast", "", ""]


def test_none_of_several_categories_may_be_too_long(tmp_path: Path) -> None:
    with pytest.raises(LongIdError, match="one of several categories"):
        read_products(csv(tmp_path, f"i1,Oats,,Milk|{'x' * 129},\n"))
