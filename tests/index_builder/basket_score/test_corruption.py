"""Corruption: another user's basket of the same size, and items of similar popularity."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index_builder.basket_score.corruption import Corruption
from tests.data.held_out import basket

BASKETS = [
    basket([1, 2, 3], user=0),
    basket([7, 8], user=0, targets=[5]),
    basket([4, 5, 6], user=1),
    basket([10, 11, 12, 13, 14], user=2),
]


def corruption(n_items: int = 1000, seed: int = 0) -> Corruption:
    return Corruption(BASKETS, n_items, np.random.default_rng(seed))


def test_the_items_of_a_basket_include_its_targets() -> None:
    assert BASKETS[1].items.tolist() == [5, 7, 8]


def test_a_foreign_basket_is_another_users_of_the_same_size() -> None:
    found = corruption()

    def seen(user: int) -> set[tuple[int, ...]]:
        baskets = (found.foreign(user, 3) for _ in range(50))
        return {tuple(of_other.tolist()) for of_other in baskets if of_other is not None}

    assert seen(0) == {(4, 5, 6)}
    assert seen(1) == {(1, 2, 3), (5, 7, 8)}


def test_without_a_basket_of_the_size_the_nearest_is_taken() -> None:
    of_other = corruption().foreign(1, 20)
    assert of_other is not None
    assert of_other.tolist() == [10, 11, 12, 13, 14]


def test_a_single_user_has_no_foreign_baskets() -> None:
    alone = Corruption(BASKETS[:2], 1000, np.random.default_rng(0))
    assert alone.foreign(0, 3) is None


@given(
    items=st.sets(st.integers(0, 999), min_size=1, max_size=40),
    share=st.floats(0, 1),
    seed=st.integers(0, 9),
)
def test_replacements_have_similar_popularity(items: set[int], share: float, seed: int) -> None:
    before = np.array(sorted(items), np.int32)
    count = round(share * len(before))
    after, kept = corruption(seed=seed).swapped(before, count)
    assert len(after) == len(before)
    assert (np.diff(after) > 0).all()
    assert (~kept).sum() == count
    assert set(after[kept].tolist()) <= items
    assert not items & set(after[~kept].tolist())
    gone = sorted(items - set(after[kept].tolist()))
    # Up to 5 places up or down, further where those are taken; sorting both lists pairs them best.
    assert all(abs(a - b) <= 5 + 2 * len(items) for a, b in zip(gone, after[~kept], strict=True))


def test_replacements_stand_next_to_the_item() -> None:
    found = corruption()
    near = {int(found.swapped(np.array([500], np.int32), 1)[0][0]) for _ in range(300)}
    assert near == {*range(495, 506)} - {500}


def test_a_basket_of_the_whole_catalogue_stays_as_it_is() -> None:
    everything = np.arange(6, dtype=np.int32)
    after, kept = corruption(n_items=6).swapped(everything, 3)
    assert after.tolist() == everything.tolist()
    assert kept.all()
