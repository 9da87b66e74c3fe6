"""Coverage and popularity share, by hand."""

import numpy as np

from index_builder.measuring.coverage import Coverage
from service.support.arrays.array_types import Int32


def ranked(*rows: list[int]) -> Int32:
    return np.array(rows, np.int32)


def test_by_hand() -> None:
    # Of 200 items, 0 and 1 are the best sellers; 5 of the 200 are shown, 3 of 6 places are theirs.
    found = Coverage.of(ranked([0, 1, 7], [0, 9, 199]), 200)
    assert found == Coverage(coverage=5 / 200, popularity_share=3 / 6)


def test_places_without_an_item_do_not_count() -> None:
    assert Coverage.of(ranked([3, -1], [0, -1]), 50) == Coverage(2 / 50, 1 / 2)
    assert Coverage.of(ranked([-1, -1]), 50) == Coverage(0, 0)


def test_in_a_small_catalogue_one_item_is_the_best_seller() -> None:
    assert Coverage.of(ranked([0, 1]), 10).popularity_share == 1 / 2
    assert Coverage.of(ranked([0, 1]), 101).popularity_share == 1
