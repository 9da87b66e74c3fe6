"""Finding items by words: a shelf whose right answers are plain."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.bundle.catalogue import Catalogue
from service.bundle.item_search import ItemSearch

NAMES = ["Veggie Mix", "Eggs, Large", "Crème-fraîche", "Eggnog", "<b>Bold</b> Coffee", "", "x/7"]
CATEGORIES = ["FROZEN", "EGGS", "DAIRY", "DAIRY", "HEAT/SERVE", "", "FROZEN"]


def shelf(names: list[str], categories: list[str], brands: list[str] | None = None) -> ItemSearch:
    nothing = [""] * len(names)
    ids = [f"id/{row}" for row in range(len(names))]
    return ItemSearch(Catalogue(ids, names, nothing, categories, nothing, brands))


SHELF = shelf(NAMES, CATEGORIES)
ALL = np.ones(len(NAMES), np.bool_)


@pytest.mark.parametrize(
    ("query", "rows"),
    [
        ("egg", [1, 3, 0]),  # first where it begins a word
        ("GG", [0, 1, 3]),  # within words, the most popular first
        ("eggs large", [1]),
        ("large eggs", [1]),
        ("creme FRAÎCHE", [2]),
        ("dairy", [2, 3]),
        ("dairy egg", [3]),
        ("serve heat", [4]),
        ("b bold", [4]),
        ("<b>", [4]),
        ("id/5", [5]),  # the id of an item, which has no name
        ("x/7", [6]),
        (" ", []),
        ("!?", []),
    ],
)
def test_items_are_found_by_parts_of_words(query: str, rows: list[int]) -> None:
    assert SHELF.matching(query, ALL).tolist() == rows


def test_items_whose_names_begin_with_the_words_come_first() -> None:
    search = shelf(["Strawberry Jam", "Jam, Berry", "Berry"], ["JAM"] * 3)
    assert search.matching("berry", np.ones(3, np.bool_)).tolist() == [1, 2, 0]
    assert search.matching("berry jam", np.ones(3, np.bool_)).tolist() == [1, 0, 2]


def test_words_beyond_the_tenth_do_not_count() -> None:
    search = shelf(["a b c d e f g h i j", "a b c d"], ["", ""])
    assert search.matching("a b c d e f g h i j k l", np.ones(2, np.bool_)).tolist() == [0]
    assert search.matching("a a b b c c d d k k k k", np.ones(2, np.bool_)).tolist() == []


def test_a_brand_finds_its_items() -> None:
    search = shelf(["Cola", "Cola"], ["", ""], ["", "Fizz & Co"])
    assert search.matching("fizz cola", np.ones(2, np.bool_)).tolist() == [1]


def test_only_the_items_given_are_found() -> None:
    among = ALL.copy()
    among[[1, 5]] = False
    assert SHELF.matching("egg", among).tolist() == [3, 0]
    assert SHELF.matching("id/5", among).tolist() == []
    assert among.sum() == len(NAMES) - 2  # and it is left as it was


words = st.text(st.sampled_from("abÉ -"), max_size=4)


@given(st.lists(words, min_size=1, max_size=8), words)
def test_the_words_of_a_query_are_in_what_it_finds(names: list[str], query: str) -> None:
    search = shelf(names, [""] * len(names))
    found = search.matching(query, np.ones(len(names), np.bool_)).tolist()

    def plain(text: str) -> str:
        return text.lower().replace("é", "e").replace("-", " ")

    parts = plain(query).split()
    expected = [row for row, name in enumerate(names) if all(each in plain(name) for each in parts)]
    assert sorted(found) == (expected if parts else [])
