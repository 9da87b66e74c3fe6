"""The search of prepared lists, by hand and against a plain ranking."""

from typing import NamedTuple

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.retrieval.closest_lists import ClosestLists, measure_list_recall
from service.support.arrays.array_types import Bool, Float32, Int32

# Two aisles, 0 to 2 and 3 to 5, which name nothing of each other; d = 1, [p | q | prior].
ROWS = np.array([[1, 0, 0], [2, 0, 0], [3, 0, 0], [1, 0, 0], [2, 0, 0], [3, 0, 0]], np.float32)
AISLES = np.array([[2, 1], [2, 0], [1, 0], [5, 4], [5, -1], [4, 3]], np.int32)
EVERY = np.ones(6, np.bool_)
LIKES, DISLIKES = [1.0, 0, 0], [-1.0, 0, 0]


def best(
    queries: list[list[float]],
    anchors: list[int],
    k: int,
    weights: Float32 | None = None,
    eligible: Bool = EVERY,
) -> list[list[int]]:
    lists = ClosestLists(ROWS, AISLES, weights, 2)
    asked = np.array(queries, np.float32), np.array(anchors, np.int32)
    found = lists.best(*asked, eligible, k, neighbour=10)
    assert found.dtype == np.int32
    assert found.shape == (len(anchors), k)
    return [[int(item) for item in row] for row in found]


def test_each_anchor_has_its_list_in_the_order_of_its_own_query() -> None:
    assert best([LIKES, DISLIKES], [0, 0], 2) == [[2, 1], [1, 2]]
    assert best([LIKES, DISLIKES], [0, 3], 1) == [[2], [4]]


def test_places_without_an_item_come_last() -> None:
    assert best([LIKES], [4], 2) == [[5, -1]]
    assert best([LIKES], [0], 4) == [[2, 1, -1, -1]]


def test_a_neighbour_weight_counts_as_often_as_it_is_told_to() -> None:
    weights = np.zeros(AISLES.shape, np.float32)
    weights[0, 1] = 0.11  # of item 1, which lacks 1 to item 2
    assert best([LIKES], [0], 2, weights) == [[1, 2]]
    weights[0, 1] = 0.09
    assert best([LIKES], [0], 2, weights) == [[2, 1]]


def test_what_is_not_eligible_leaves_its_place_to_others() -> None:
    eligible = EVERY.copy()
    eligible[2] = False
    assert best([LIKES], [0], 2, eligible=eligible) == [[1, -1]]


def test_lists_are_long_enough_for_a_part_of_their_length() -> None:
    assert [ClosestLists(ROWS, AISLES, None, each).longest for each in (1, 2, 3)] == [2, 1, 0]
    assert ClosestLists(ROWS, None, None, 1).longest == 0


def test_the_recall_is_the_share_of_what_exact_search_finds() -> None:
    lists = ClosestLists(ROWS, AISLES, None, 1)
    nothing = np.zeros(7, np.int64), np.empty(0, np.int32), np.empty(0, np.float32)
    likes, dislikes = np.array([LIKES], np.float32), np.array([DISLIKES], np.float32)
    anchor = np.zeros(1, np.int32)
    # Of all items but 0 itself, 2 and 5 have the largest product, 3 and 1 the smallest.
    assert measure_list_recall(lists, likes, anchor, *nothing, 1) == 0.5
    assert measure_list_recall(lists, dislikes, anchor, *nothing, 1) == 0.5
    # As neighbours, 1 and 2 are the best two.
    near = np.array([0, 2, 2, 2, 2, 2, 2]), np.array([1, 2], np.int32), np.ones(2, np.float32)
    weighted = ClosestLists(ROWS, AISLES, np.ones(AISLES.shape, np.float32), 1)
    assert measure_list_recall(weighted, likes, anchor, *near, 10) == 1


class World(NamedTuple):
    rows: Float32
    items: Int32
    weights: Float32
    queries: Float32
    anchors: Int32
    eligible: Bool


@st.composite
def worlds(draw: st.DrawFn) -> World:
    n, places = draw(st.integers(1, 30)), draw(st.integers(1, 8))
    anchors = draw(st.lists(st.integers(0, n - 1), min_size=1, unique=True))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    # A list names an item once.
    items = np.array([random.permutation(np.r_[0:n, [-1] * places])[:places] for _ in range(n)])
    return World(
        random.integers(-9, 9, (n, 3)).astype(np.float32),
        items.astype(np.int32),
        random.integers(0, 3, (n, places)).astype(np.float32),
        random.integers(-9, 9, (len(anchors), 3)).astype(np.float32),
        np.array(anchors, np.int32),
        random.random(n) < draw(st.floats(0, 1)),
    )


@given(world=worlds(), k=st.integers(1, 10), places=st.integers(1, 3))
def test_a_plain_ranking_agrees(world: World, k: int, places: int) -> None:
    lists = ClosestLists(world.rows, world.items, world.weights, places)
    found = lists.best(world.queries, world.anchors, world.eligible, k, 2)
    for row, query, anchor in zip(found, world.queries, world.anchors, strict=True):
        scores = {
            int(item): float(query @ world.rows[item] + 2 * weight)
            for item, weight in zip(
                world.items[anchor][: places * k], world.weights[anchor], strict=False
            )
            if item >= 0 and world.eligible[item]
        }
        ranked = sorted(scores, key=lambda item: (-scores[item], item))[:k]
        assert row.tolist() == [*ranked, *[-1] * (k - len(ranked))]
