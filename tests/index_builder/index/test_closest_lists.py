"""The lists of closest items, in a world whose right answer anyone can derive."""

from math import sqrt

import numpy as np
import pytest

from index_builder.index.closest_lists import Closest, closest_items
from index_builder.statistics.neighbours import Neighbours
from service.recommending.weights import Weights
from service.retrieval.exact import Exact
from service.support.arrays.array_types import Float32
from service.support.arrays.offsets import offsets

# d = 1, [p | q | prior]: two aisles that point apart; items with a larger p are closer to all.
ROWS = np.array(
    [[4, 1, 0], [3, 1, 0], [2, 1, 0], [-4, -1, 0], [-3, -1, 0], [-2, -1, 0]], np.float32
)
LIKED = Weights(user=1, popularity=1, history=1)


def listed(
    rows: Float32,
    weights: Weights,
    places: int,
    near: dict[tuple[int, int], float] | None = None,
) -> Closest:
    """The lists, where `near` gives the weight of neighbours by item and neighbour."""
    pairs = sorted((near or {}).items())
    sizes = np.bincount([item for (item, _), _ in pairs], minlength=len(rows))
    neighbours = Neighbours(
        offsets(sizes),
        np.array([other for (_, other), _ in pairs], np.int32),
        np.ones(len(pairs), np.int32),
    )
    weight = np.array([weight for _, weight in pairs], np.float32)
    return closest_items(rows, Exact(rows), weights, places, neighbours, weight)


def test_each_item_lists_its_aisle_and_never_itself() -> None:
    closest = listed(ROWS, LIKED, 2)
    assert closest.item.dtype == np.int32
    assert closest.weight.dtype == np.float32
    assert closest.item.tolist() == [[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]]
    assert not closest.weight.any()


def test_popularity_counts_as_its_weight_says() -> None:
    rows = ROWS.copy()
    rows[2, 2] = 10
    assert listed(rows, LIKED, 1).item[0] == [2]
    indifferent = Weights(user=1, popularity=0, history=1)
    assert listed(rows, indifferent, 1).item[0] == [1]


def test_popularity_counts_once_for_a_whole_basket() -> None:
    """Item 1 lacks nothing to item 2 but prior: 7 against 6 + prior, of a basket of eight."""
    rows = ROWS.copy()
    summed = Weights(user=1, popularity=1, history=1, basket_exponent=0.5)
    for prior, first in ((0.9 * sqrt(8), 1), (1.1 * sqrt(8), 2)):
        rows[2, 2] = prior
        assert listed(rows, summed, 1).item[0] == [first]


def test_neighbours_are_listed_by_their_weight_beside_the_vectors() -> None:
    """Item 0 has products of 7, 6, -8, -7 and -6 with the others."""
    weights = Weights(user=1, popularity=1, history=1, neighbour=10)
    near = {(0, 2): 0.2, (0, 4): 1.35, (0, 5): 0.1}
    closest = listed(ROWS, weights, 3, near)
    assert closest.item[0].tolist() == [2, 1, 4]  # 8, 7 and 6.5
    np.testing.assert_allclose(closest.weight[0], [0.2, 0, 1.35])
    assert closest.item[1].tolist() == [0, 2, 5]


def test_a_neighbour_that_the_index_does_not_find_is_listed() -> None:
    weights = Weights(user=1, popularity=1, history=1, neighbour=10)
    closest = listed(ROWS, weights, 1, {(0, 5): 2})
    assert closest.item[0].tolist() == [5]


@pytest.mark.parametrize("places", [5, 7])
def test_a_short_catalogue_leaves_places_empty(places: int) -> None:
    closest = listed(ROWS, LIKED, places).item
    assert closest.shape == (6, places)
    assert (closest[:, 5:] == -1).all()
    assert sorted(closest[0, :5].tolist()) == [1, 2, 3, 4, 5]


def test_more_items_than_are_asked_for_at_once() -> None:
    rows = np.random.default_rng(0).standard_normal((1500, 5)).astype(np.float32)
    closest = listed(rows, LIKED, 3).item
    swapped = np.concatenate([rows[:, 2:4], rows[:, :2], np.ones((1500, 1))], axis=1)
    scores = swapped @ rows.T.astype(np.float64)
    np.fill_diagonal(scores, -np.inf)
    np.testing.assert_array_equal(closest, np.argsort(-scores, axis=1)[:, :3])


def test_lists_do_not_depend_on_the_number_of_threads() -> None:
    rng = np.random.default_rng(1)
    rows = rng.standard_normal((2500, 5), np.float32)  # more than two blocks
    none = Neighbours(np.zeros(len(rows) + 1, np.int64), *np.zeros((2, 0), np.int32))
    lists = [
        closest_items(rows, Exact(rows), LIKED, 6, none, np.zeros(0, np.float32), threads)
        for threads in (1, 3)
    ]
    np.testing.assert_array_equal(lists[0].item, lists[1].item)
    scores = rows @ np.append(np.roll(rows[2400, :4], 2), np.float32(LIKED.popularity))
    scores[2400] = -np.inf
    assert lists[1].item[2400].tolist() == np.argsort(-scores)[:6].tolist()
