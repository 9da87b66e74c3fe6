"""The lists of closest items, in a world whose right answer anyone can derive."""

import numpy as np
import pytest

from index_builder.index.closest_lists import closest_items
from service.recommending.weights import Weights
from service.retrieval.exact import Exact

# d = 1, [p | q | prior]: two aisles that point apart; items with a larger p are closer to all.
ROWS = np.array(
    [[4, 1, 0], [3, 1, 0], [2, 1, 0], [-4, -1, 0], [-3, -1, 0], [-2, -1, 0]], np.float32
)
LIKED = Weights(user=1, popularity=1, history=1)


def test_each_item_lists_its_aisle_and_never_itself() -> None:
    closest = closest_items(ROWS, Exact(ROWS), LIKED, 2)
    assert closest.dtype == np.int32
    assert closest.tolist() == [[1, 2], [0, 2], [0, 1], [4, 5], [3, 5], [3, 4]]


def test_popularity_counts_as_its_weight_says() -> None:
    rows = ROWS.copy()
    rows[2, 2] = 10
    assert closest_items(rows, Exact(rows), LIKED, 1)[0] == [2]
    indifferent = Weights(user=1, popularity=0, history=1)
    assert closest_items(rows, Exact(rows), indifferent, 1)[0] == [1]


@pytest.mark.parametrize("places", [5, 7])
def test_a_short_catalogue_leaves_places_empty(places: int) -> None:
    closest = closest_items(ROWS, Exact(ROWS), LIKED, places)
    assert closest.shape == (6, places)
    assert (closest[:, 5:] == -1).all()
    assert sorted(closest[0, :5].tolist()) == [1, 2, 3, 4, 5]


def test_more_items_than_are_asked_for_at_once() -> None:
    rows = np.random.default_rng(0).standard_normal((1500, 5)).astype(np.float32)
    closest = closest_items(rows, Exact(rows), LIKED, 3)
    swapped = np.concatenate([rows[:, 2:4], rows[:, :2], np.ones((1500, 1))], axis=1)
    scores = swapped @ rows.T.astype(np.float64)
    np.fill_diagonal(scores, -np.inf)
    np.testing.assert_array_equal(closest, np.argsort(-scores, axis=1)[:, :3])
