"""Baskets by ranges of users: what is counted from them does not depend on the ranges."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.statistics.histories import histories
from index_builder.statistics.past_baskets import past_baskets
from index_builder.statistics.trends import item_rhythm
from index_builder.transactions.encoded import by_user
from index_builder.transactions.encoded.by_user import user_ranges
from index_builder.transactions.encoded.encoding import EncodedBaskets
from tests.data.encoded import encoded

N_USERS, N_ITEMS = 5, 6
Basket = tuple[int, set[int], int]
BASKETS = st.lists(
    st.tuples(
        st.integers(0, N_USERS - 1), st.sets(st.integers(0, N_ITEMS - 1)), st.integers(0, 10**7)
    ),
    min_size=1,
    max_size=15,
)


def world_of(baskets: list[Basket]) -> EncodedBaskets:
    """Return baskets in the order of time."""
    users, items, begun = zip(*sorted(baskets, key=lambda each: each[2]), strict=True)
    return encoded([sorted(each) for each in items], users, begun)


@given(baskets=BASKETS, lines=st.integers(1, 12))
def test_every_basket_is_in_the_range_of_its_user(baskets: list[Basket], lines: int) -> None:
    world = world_of(baskets)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_user, "BLOCK_LINES", lines)
        ranges = list(user_ranges(world, N_USERS))
    assert [user for each in ranges for user in range(N_USERS)[each.users]] == list(range(N_USERS))
    found = [
        (each.users.start + user, begin, each.items[each.line_basket == basket].tolist())
        for each in ranges
        for basket, (user, begin) in enumerate(zip(each.user, each.begun, strict=True))
    ]
    in_time = sorted(baskets, key=lambda each: each[2])
    assert found == [
        (user, begun, sorted(items))
        for user, items, begun in sorted(in_time, key=lambda each: each[0])
    ]


@given(baskets=BASKETS, lines=st.integers(1, 12))
def test_ranges_change_no_statistic(baskets: list[Basket], lines: int) -> None:
    world = world_of(baskets)

    def counted() -> list[npt.NDArray[Any]]:
        return [
            *vars(histories(world, N_USERS, N_ITEMS, 60)).values(),
            *vars(past_baskets(world, N_USERS)).values(),
            item_rhythm(world, N_USERS, N_ITEMS, 10**7),
        ]

    at_once = counted()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(by_user, "BLOCK_LINES", lines)
        for one, other in zip(counted(), at_once, strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-6)
