"""Past baskets by user."""

from hypothesis import given
from hypothesis import strategies as st

from index_builder.statistics.past_baskets import past_baskets
from tests.data.encoded import encoded


def test_baskets_of_each_user_in_their_order() -> None:
    past = past_baskets(encoded([[3, 1], [2], [0, 1, 2], [5]], [2, 0, 2, 0], [10, 20, 20, 30]), 4)
    assert past.indptr.tolist() == [0, 2, 2, 4, 4]  # users 1 and 3 have bought nothing
    assert past.begun.tolist() == [20, 30, 10, 20]
    assert past.item_indptr.tolist() == [0, 1, 2, 4, 7]
    assert past.item.tolist() == [2, 5, 1, 3, 0, 1, 2]
    dtypes = [array.dtype.name for array in vars(past).values()]
    assert dtypes == ["int64", "int64", "int64", "int32"]


@given(
    baskets=st.lists(
        st.tuples(st.integers(0, 4), st.sets(st.integers(0, 9), min_size=1, max_size=4)), min_size=1
    )
)
def test_there_and_back(baskets: list[tuple[int, set[int]]]) -> None:
    world = encoded([sorted(items) for _, items in baskets], [user for user, _ in baskets])
    past = past_baskets(world, 5)
    for user in range(5):
        found = []
        for basket in range(past.indptr[user], past.indptr[user + 1]):
            span = slice(past.item_indptr[basket], past.item_indptr[basket + 1])
            found.append((int(past.begun[basket]), set(past.item[span].tolist())))
        own = [(at, items) for at, (owner, items) in enumerate(baskets) if owner == user]
        assert found == own  # basket number b began at second b
