"""The merging of the anchors' lists, by hand and against a plain count."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.retrieval.closest_lists import named_most
from service.support.arrays.array_types import Bool, Int32

# Two aisles, 0 to 2 and 3 to 5, which name nothing of each other.
AISLES = np.array([[1, 2], [2, 0], [0, 1], [4, 5], [5, -1], [3, 4]], np.int32)
EVERY = np.ones(6, np.bool_)

Lists = tuple[Int32, Int32, Bool]


def named(anchors: list[int], eligible: Bool = EVERY, count: int = 6) -> list[int]:
    found: list[int] = named_most(AISLES, np.array(anchors, np.int32), eligible, count).tolist()
    return found


def test_one_anchor_has_its_list_and_aisles_do_not_mix() -> None:
    assert named([0]) == [1, 2]
    assert named([3]) == [4, 5]
    assert named([4]) == [5]
    assert named([]) == []


def test_points_add_up_and_of_equal_points_the_smaller_item_is_first() -> None:
    assert named([0, 1]) == [2, 1, 0]  # 2 has one point from 0 and two from 1
    assert named([2, 5]) == [0, 3, 1, 4]
    assert named([2, 5], count=3) == [0, 3, 1]


def test_what_is_not_eligible_leaves_its_place_to_others() -> None:
    eligible = EVERY.copy()
    eligible[2] = False
    assert named([0, 1], eligible, 1) == [1]


@st.composite
def lists(draw: st.DrawFn) -> Lists:
    n_items, places = draw(st.integers(1, 30)), draw(st.integers(1, 5))
    items = st.integers(-1, n_items - 1)
    closest = draw(st.lists(st.lists(items, min_size=places, max_size=places),
                            min_size=n_items, max_size=n_items))  # fmt: skip
    anchors = draw(st.lists(st.integers(0, n_items - 1), unique=True))
    eligible = draw(st.lists(st.booleans(), min_size=n_items, max_size=n_items))
    return np.array(closest, np.int32), np.array(anchors, np.int32), np.array(eligible)


@given(world=lists(), count=st.integers(0, 12))
def test_a_plain_count_agrees(world: Lists, count: int) -> None:
    closest, anchors, eligible = world
    points: Counter[int] = Counter()
    for listed in closest[anchors].tolist():
        for place, item in enumerate(listed):
            if item >= 0 and eligible[item]:
                points[item] += len(listed) - place
    expected = sorted(points, key=lambda item: (-points[item], item))[:count]
    assert named_most(closest, anchors, eligible, count).tolist() == expected
    assert named_most(closest, anchors[::-1].copy(), eligible, count).tolist() == expected
