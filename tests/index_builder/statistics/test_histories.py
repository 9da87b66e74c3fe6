"""Purchase histories, by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.statistics.histories import histories
from tests.data.encoded import encoded

DAY = 86_400


def test_a_history_by_hand() -> None:
    # User 0: items 1, 2 sixty days before the last basket (weight 1/2), 1 alone in it (weight 1).
    # User 1: nothing. User 2: item 0, once.
    baskets = encoded([[1, 2], [0], [1]], users=[0, 2, 0], begun=[40 * DAY, 70 * DAY, 100 * DAY])
    found = histories(baskets, n_users=3, n_items=4, half_life_days=60)
    assert found.indptr.tolist() == [0, 2, 2, 3]
    assert found.item.tolist() == [1, 2, 0]
    assert found.count.tolist() == [2, 1, 1]
    assert found.recency == pytest.approx([1, 0.5 / 1.5, 1])
    assert found.last.tolist() == [100 * DAY, 40 * DAY, 70 * DAY]


def test_the_half_life_is_a_half_life() -> None:
    baskets = encoded([[0], [1], [2]], users=[0, 0, 0], begun=[0, 10 * DAY, 30 * DAY])
    found = histories(baskets, n_users=1, n_items=3, half_life_days=10)
    weights = np.array([1 / 8, 1 / 4, 1])
    assert found.recency == pytest.approx(weights / weights.sum())


def test_a_user_who_left_long_ago_has_a_history() -> None:
    # At a half-life of a day, 0.5^age is zero in double precision after three years.
    baskets = encoded([[0, 1], [0], [2]], users=[0, 0, 1], begun=[0, DAY, 5000 * DAY])
    found = histories(baskets, n_users=2, n_items=3, half_life_days=1)
    assert found.recency == pytest.approx([1, 1 / 3, 1])


def test_dtypes_and_shapes_without_any_basket() -> None:
    found = histories(encoded([], users=[]), n_users=2, n_items=3, half_life_days=60)
    assert found.indptr.tolist() == [0, 0, 0]
    dtypes = {name: array.dtype.name for name, array in vars(found).items()}
    assert dtypes == {
        "indptr": "int64",
        "item": "int32",
        "count": "int32",
        "recency": "float32",
        "last": "int64",
    }


baskets_of_users = st.lists(
    st.tuples(
        st.sets(st.integers(0, 6), min_size=1, max_size=5),
        st.integers(0, 3),
        st.integers(-250 * DAY, 250 * DAY),  # 1970 is no frontier
    ),
    max_size=20,
)


@given(baskets_of_users, st.floats(0.5, 1000))
def test_against_a_plain_loop(
    baskets: list[tuple[set[int], int, int]], half_life_days: float
) -> None:
    world = encoded(
        [sorted(items) for items, _, _ in baskets],
        users=[user for _, user, _ in baskets],
        begun=[at for _, _, at in baskets],
    )
    found = histories(world, 4, 7, half_life_days)
    rows = []
    for user in range(4):
        own = [(held, at) for held, owner, at in baskets if owner == user]
        latest = max(at for _, at in own) if own else 0
        weight = {at: 0.5 ** ((latest - at) / DAY / half_life_days) for _, at in own}
        total = sum(weight[at] for _, at in own)
        for item in range(7):
            times = [at for held, at in own if item in held]
            if times:
                share = sum(weight[at] for at in times) / total
                rows.append((user, item, len(times), share, max(times)))
    owner = np.repeat(np.arange(4), np.diff(found.indptr))
    assert owner.tolist() == [row[0] for row in rows]
    assert found.item.tolist() == [row[1] for row in rows]
    assert found.count.tolist() == [row[2] for row in rows]
    assert found.recency == pytest.approx([row[3] for row in rows], rel=1e-5)
    assert found.last.tolist() == [row[4] for row in rows]
