"""Groups of baskets."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index_builder.measuring.groups import quantile_groups


def labels(values: list[int], count: int = 6) -> list[str]:
    groups = quantile_groups(np.array(values), count)
    return [group.label.replace("\N{EN DASH}", "-") for group in groups]


def test_groups_of_the_same_size_are_named_by_their_limits() -> None:
    assert labels(list(range(1, 13)), 3) == ["1-4", "5-8", "9-12"]
    assert labels([5, 5, 6, 6, 8, 1000], 3) == ["5", "6", "8-1,000"]


def test_equals_stay_together() -> None:
    assert labels([7] * 50) == ["7"]
    assert labels([1] * 50 + [2]) == ["1", "2"]


@given(st.lists(st.integers(0, 40), min_size=1), st.integers(1, 8))
def test_every_basket_is_in_one_group_and_the_groups_ascend(values: list[int], count: int) -> None:
    groups = quantile_groups(np.array(values), count)
    assert 1 <= len(groups) <= count
    assert (np.sum([group.members for group in groups], axis=0) == 1).all()
    members = [np.array(values)[group.members] for group in groups]
    assert all(a.max() < b.min() for a, b in pairwise(members))
