"""Held-out baskets: DESIGN section 6, by the letter."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index_builder.transactions.encoded.held_out import HeldOut, held_out
from tests.data.encoded import encoded


def as_lists(baskets: Sequence[HeldOut]) -> list[tuple[int, list[int], list[int]]]:
    return [(each.user, each.given.tolist(), each.targets.tolist()) for each in baskets]


@given(
    st.lists(st.sets(st.integers(0, 60), min_size=1, max_size=40), max_size=8),
    st.integers(0, 2**32 - 1),
)
def test_a_fifth_of_every_basket_of_five_or_more_is_to_be_found(
    baskets: list[set[int]], seed: int
) -> None:
    users = list(range(len(baskets)))
    split = held_out(encoded([sorted(basket) for basket in baskets], users), seed)
    large = [user for user in users if len(baskets[user]) >= 5]
    assert [each.user for each in split] == large
    for each in split:
        items = baskets[each.user]
        given_, targets = set(each.given.tolist()), set(each.targets.tolist())
        assert len(each.targets) == max(1, round(0.2 * len(items)))
        assert len(each.given) + len(each.targets) == len(items)
        assert given_ | targets == items
        assert not given_ & targets


@pytest.mark.parametrize(
    ("items", "targets"), [(5, 1), (7, 1), (8, 2), (12, 2), (13, 3), (22, 4), (23, 5)]
)
def test_the_number_of_targets(items: int, targets: int) -> None:
    (split,) = held_out(encoded([range(items)], [0]), seed=0)
    assert len(split.targets) == targets


BASKETS = encoded([range(10) for _ in range(50)], users=list(range(50)))


def test_the_seed_decides() -> None:
    assert as_lists(held_out(BASKETS, seed=1)) == as_lists(held_out(BASKETS, seed=1))
    assert as_lists(held_out(BASKETS, seed=1)) != as_lists(held_out(BASKETS, seed=2))


def test_targets_are_drawn_from_the_whole_basket() -> None:
    drawn = {item for each in held_out(BASKETS, seed=0) for item in each.targets.tolist()}
    assert drawn == set(range(10))


def test_a_limit_takes_a_sample_in_order() -> None:
    users = [each.user for each in held_out(BASKETS, seed=0, limit=20)]
    assert len(users) == 20
    assert users == sorted(set(users))
    assert users != list(range(20))
    assert len(held_out(BASKETS, seed=0, limit=50)) == len(held_out(BASKETS, seed=0)) == 50
