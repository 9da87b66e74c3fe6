"""The assortment: what the shop's files and a request leave of the catalogue."""

from pathlib import Path

import numpy as np
import pytest

from service.assortment import Assortment, AssortmentError
from service.catalogue import Catalogue

CATALOGUE = Catalogue(
    item_ids=["rye", "bun", "rose", "rake", "gift"],
    names=["Rye bread", "Bun", "Rose", "Rake", "Gift card"],
    departments=["food", "food", "green", "green", ""],
    categories=["bread", "bread", "plants", "tools", ""],
    subcategories=["loaves", "rolls", "", "", ""],
)
EVERYTHING = {"rye", "bun", "rose", "rake", "gift"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "shop.toml"


def eligible(
    assortment: Assortment,
    basket: tuple[int, ...] = (),
    items: tuple[str, ...] = (),
    categories: tuple[str, ...] = (),
) -> set[str]:
    marks = assortment.eligible(basket, items, categories)
    assert marks.shape == (len(CATALOGUE),)
    return {CATALOGUE.item_ids[item] for item in np.flatnonzero(marks)}


def test_without_files_everything_is_eligible_and_neutral() -> None:
    assortment = Assortment(CATALOGUE)
    assert eligible(assortment) == EVERYTHING
    assert assortment.log_weights.tolist() == [0] * 5


def test_items_of_one_category_share_a_code_and_those_of_none_have_none() -> None:
    codes = Assortment(CATALOGUE).category_codes.tolist()
    assert codes[0] == codes[1]
    assert len({codes[0], codes[2], codes[3], -1}) == 4
    assert codes[4] == -1


def test_a_request_leaves_out_its_basket_and_its_exclusions() -> None:
    assortment = Assortment(CATALOGUE)
    assert eligible(assortment, basket=(0, 2)) == {"bun", "rake", "gift"}
    assert eligible(assortment, items=("bun", "never heard of")) == EVERYTHING - {"bun"}
    assert eligible(assortment) == EVERYTHING  # and none of it outlives the request


@pytest.mark.parametrize(
    ("name", "gone"),
    [
        ("food", {"rye", "bun"}),
        ("plants", {"rose"}),
        ("rolls", {"bun"}),
        ("never heard of", set()),
        ("", set()),
    ],
)
def test_a_category_is_excluded_at_whichever_level_it_stands(name: str, gone: set[str]) -> None:
    assert eligible(Assortment(CATALOGUE), categories=(name,)) == EVERYTHING - gone


def test_a_name_that_stands_at_two_levels_is_excluded_at_both() -> None:
    catalogue = Catalogue(["a", "b", "c"], ["A", "B", "C"], ["x", "", ""], ["", "x", ""], [""] * 3)
    assert Assortment(catalogue).eligible((), (), ("x",)).tolist() == [False, False, True]


def test_the_blacklist_holds_for_every_request(file: Path) -> None:
    file.write_text('items = ["rye", "sold out long ago"]\ncategories = ["green"]')
    assortment = Assortment(CATALOGUE, blacklist=file)
    assert eligible(assortment) == {"bun", "gift"}
    assert eligible(assortment, items=("bun",)) == {"gift"}


def test_an_empty_file_changes_nothing(file: Path) -> None:
    file.write_text("")
    assortment = Assortment(CATALOGUE, blacklist=file, taxonomy_weights=file)
    assert eligible(assortment) == EVERYTHING
    assert assortment.log_weights.tolist() == [0] * 5


def test_weights_of_the_levels_multiply(file: Path) -> None:
    file.write_text("[department]\nfood = 2\n[category]\ntools = 0.5\n[subcategory]\nrolls = 3.0")
    weights = Assortment(CATALOGUE, taxonomy_weights=file).log_weights
    assert weights.dtype == np.float32
    assert weights == pytest.approx(np.log([2, 6, 1, 0.5, 1]))


REFUSED_BLACKLISTS = {
    "readable TOML": "items = [",
    "items.*valid list.*1": "items = 1",
    r"items\.0.*valid string.*7": "items = [7]",
    "categories.*valid list.*plants": 'categories = "plants"',
    "item: Extra inputs.*rye": 'item = ["rye"]',
}
REFUSED_WEIGHTS = {
    "readable TOML": "[department",
    "aisle: Extra inputs": "[aisle]\nfood = 2",
    "department: .*valid dictionary.*2": "department = 2",
    r"department\.food: .*valid number.*'2'": '[department]\nfood = "2"',
    r"department\.food: .*valid number.*True": "[department]\nfood = true",
    "department of the catalogue.*'fodo': 2": "[department]\nfodo = 2",
    "category of the catalogue.*'food': 2": "[category]\nfood = 2",
    "category of the catalogue.*'': 2": '[category]\n"" = 2',
    "weight above 0.*'food': 0": "[department]\nfood = 0",
    "weight above 0.*'food': -1": "[department]\nfood = -1",
    "weight above 0.*'food': inf": "[department]\nfood = inf",
    "weight above 0.*'food': nan": "[department]\nfood = nan",
}


@pytest.mark.parametrize(("message", "text"), REFUSED_BLACKLISTS.items())
def test_a_blacklist_that_says_something_else_is_refused(
    file: Path, message: str, text: str
) -> None:
    file.write_text(text)
    with pytest.raises(AssortmentError, match=message) as e:
        Assortment(CATALOGUE, blacklist=file)
    assert str(e.value).startswith(f"{file}: ")


@pytest.mark.parametrize(("message", "text"), REFUSED_WEIGHTS.items())
def test_weights_that_cannot_be_are_refused(file: Path, message: str, text: str) -> None:
    file.write_text(text)
    with pytest.raises(AssortmentError, match=message) as e:
        Assortment(CATALOGUE, taxonomy_weights=file)
    assert str(e.value).startswith(f"{file}: ")


def test_a_file_that_is_not_there_is_named(file: Path) -> None:
    with pytest.raises(AssortmentError, match=r"readable TOML file, found: .*No such") as e:
        Assortment(CATALOGUE, blacklist=file)
    assert str(e.value).startswith(f"{file}: ")


def test_what_is_no_text_is_refused(file: Path, tmp_path: Path) -> None:
    file.write_bytes(b'items = ["\xff"]')
    for path in (file, tmp_path):
        with pytest.raises(AssortmentError, match="readable TOML"):
            Assortment(CATALOGUE, blacklist=path)
