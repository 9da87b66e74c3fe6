"""Neighbours: pairs that anyone can count."""

from collections import Counter
from fractions import Fraction
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import index_builder.statistics.neighbours
from index_builder.statistics.neighbours import Neighbours, neighbours
from tests.data.encoded import trained


def table(near: Neighbours) -> list[dict[int, int]]:
    """The neighbours of each item with their counts; their order is checked here."""
    dtypes = [array.dtype.name for array in vars(near).values()]
    assert dtypes == ["int64", "int32", "int32"]
    assert near.indptr[0] == 0
    assert near.indptr[-1] == len(near.item) == len(near.count)
    rows = []
    for start, stop in zip(near.indptr[:-1], near.indptr[1:], strict=True):
        items = near.item[start:stop].tolist()
        assert items == sorted(set(items))
        rows.append(dict(zip(items, near.count[start:stop].tolist(), strict=True)))
    return rows


def test_pairs_counted_by_hand() -> None:
    baskets = [[0, 1, 2], [0, 1], [0, 3], [4], [1, 2]]
    assert table(neighbours(trained(baskets, 5), 10)) == [
        {1: 2, 2: 1, 3: 1},
        {0: 2, 2: 2},
        {0: 1, 1: 2},
        {0: 1},
        {},  # always alone
    ]


def test_the_limit_keeps_the_largest_cosine_and_not_the_largest_count() -> None:
    # Item 0 with item 1 in 2 of its 8 baskets, with item 2 in the only one of its own.
    baskets = [[0, 1], [0, 1], [0, 2], *[[1, 3]] * 6]
    assert table(neighbours(trained(baskets, 4), 1))[0] == {2: 1}  # 1 / sqrt(1) > 2 / sqrt(8)
    assert table(neighbours(trained(baskets, 4), 1))[1] == {3: 6}
    assert table(neighbours(trained(baskets, 4), 2))[0] == {1: 2, 2: 1}


def test_of_equal_cosines_the_smaller_index_is_kept() -> None:
    # Item 0 meets 1 in 2 of its 8 baskets, 2 in 1 of 2, and 3 to 5 in the only one of theirs.
    baskets = [[0, 1], [0, 1], *[[1]] * 6, [0, 2], [2], [0, 3, 4, 5]]
    shop = trained(baskets, 6)
    assert [list(table(neighbours(shop, limit))[0]) for limit in range(1, 6)] == [
        [3],
        [3, 4],
        [3, 4, 5],
        [1, 3, 4, 5],  # 2 / sqrt(8) is 1 / sqrt(2)
        [1, 2, 3, 4, 5],
    ]


baskets_of_12 = st.lists(st.sets(st.integers(0, 11), min_size=1, max_size=6), min_size=1)


@given(baskets=baskets_of_12, limit=st.integers(1, 12))
def test_counts_and_limit_from_their_definitions(baskets: list[set[int]], limit: int) -> None:
    shop = trained([sorted(basket) for basket in baskets], 12)
    pairs = Counter(pair for basket in baskets for pair in permutations(basket, 2))
    for item, row in enumerate(table(neighbours(shop, limit))):
        all_of_it = {other: count for (one, other), count in pairs.items() if one == item}
        square = {n: Fraction(count**2, int(shop.item_count[n])) for n, count in all_of_it.items()}
        best = sorted(all_of_it, key=lambda other: (-square[other], other))[:limit]
        assert row == {other: all_of_it[other] for other in best}


@pytest.mark.parametrize("block", [1, 2, 5, 12, 13])
def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    random = np.random.default_rng(0)
    baskets = [random.choice(12, random.integers(1, 6), replace=False).tolist() for _ in range(60)]
    whole = neighbours(trained(baskets, 12), 4)
    monkeypatch.setattr(index_builder.statistics.neighbours, "_BLOCK_ITEMS", block)
    cut = neighbours(trained(baskets, 12), 4)
    for name, array in vars(whole).items():
        np.testing.assert_array_equal(getattr(cut, name), array, strict=True)
