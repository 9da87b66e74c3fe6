"""Where the transactions come from."""

from pathlib import Path

import pytest

from index_builder.transactions.errors import DataError, SourceError
from index_builder.transactions.reading import Reading
from index_builder.transactions.source import Dataset, Source, read_source

DEMO = Dataset.COMPLETEJOURNEY


def test_the_shops_own_files_are_read_instead_of_the_demo(shop_files: tuple[Path, Path]) -> None:
    transactions, products = shop_files
    table, catalogue = read_source(Source(transactions, products))
    assert table.summary.users == 6
    assert catalogue is not None
    assert catalogue.height == 40


def test_products_are_optional(shop_files: tuple[Path, Path]) -> None:
    _, catalogue = read_source(Source(shop_files[0]))
    assert catalogue is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ((None, Path("p.csv"), DEMO, None), "--products needs --transactions"),
        ((None, None, Dataset.INSTACART, None), "--dataset instacart needs --path"),
        ((None, None, DEMO, Path("there")), "--path there .*only with --dataset instacart"),
        ((Path("t.csv"), None, Dataset.INSTACART, Path("there")), "--path there"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    options: tuple[Path | None, Path | None, Dataset, Path | None], message: str
) -> None:
    with pytest.raises(SourceError, match=message):
        read_source(Source(*options))


def test_what_is_said_of_files_needs_files() -> None:
    with pytest.raises(SourceError, match="need --transactions"):
        read_source(Source(), Reading(guests=frozenset({"1"})))


def test_doubtful_products_are_noted_like_transactions(tmp_path: Path) -> None:
    transactions, products = tmp_path / "t.csv", tmp_path / "p.csv"
    transactions.write_text("user_id,basket_id,item_id,timestamp\nu,b,i ,2026-03-02\n")
    products.write_text("item_id,name,department,category,subcategory\n5.01E+12,Milk,,,\n")
    table, _ = read_source(Source(transactions, products))
    spaces, product = (notice.text for notice in table.summary.notices)
    assert spaces == "1 of 1 rows have spaces around the item_id, which were removed"
    assert product.startswith("products: 1 of 1 rows have a value in item_id in scientific")
    assert [notice.first for notice in table.summary.notices] == [
        "line 2 'i '",
        "line 2 '5.01E+12'",
    ]


def test_a_path_that_is_used_reaches_its_adapter(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=str(tmp_path)):
        read_source(Source(dataset=Dataset.INSTACART, path=tmp_path))
