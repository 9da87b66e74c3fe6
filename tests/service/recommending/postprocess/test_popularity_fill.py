"""The popularity fill, against a plain reference written from its definition."""

from collections import Counter

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.recommending.postprocess.popularity_fill import top_up
from service.support.arrays.array_types import Int32


def int32(values: list[int]) -> Int32:
    return np.array(values, np.int32)


def top_up_by_definition(
    items: list[int], eligible: list[bool], codes: list[int], cap: int, k: int
) -> list[int]:
    """Adds popular items that the cap lets through, then any, until k can be chosen."""
    room: Counter[int] = Counter()

    def enters(item: int) -> bool:
        room[codes[item]] += 1
        return cap == 0 or codes[item] < 0 or room[codes[item]] <= cap

    within = sum(enters(item) for item in items)
    if within >= k:
        return items
    others = [item for item, is_in in enumerate(eligible) if is_in and item not in items]
    added: list[int] = []
    surplus: list[int] = []
    for item in others:
        (added if enters(item) else surplus).append(item)
    added = added[: k - within]
    missing = max(0, k - len(items) - len(added))
    return items + added + surplus[:missing]


worlds = st.integers(1, 25).flatmap(
    lambda n: st.tuples(
        st.lists(st.booleans(), min_size=n, max_size=n),
        st.lists(st.integers(-1, 3), min_size=n, max_size=n),
        st.sets(st.integers(0, n - 1)),
    )
)


@given(worlds, st.integers(0, 4), st.integers(1, 30))
def test_the_popularity_fill_against_a_plain_reference(
    world: tuple[list[bool], list[int], set[int]], cap: int, k: int
) -> None:
    eligible, codes, found = world
    items = sorted(item for item in found if eligible[item])
    filled = top_up(int32(items), np.array(eligible), int32(codes), cap, k)
    assert filled.dtype == np.int32
    assert filled.tolist() == sorted(top_up_by_definition(items, eligible, codes, cap, k))


@given(worlds, st.integers(1, 4), st.integers(1, 30))
def test_after_the_fill_k_items_fit_the_cap_if_any_do(
    world: tuple[list[bool], list[int], set[int]], cap: int, k: int
) -> None:
    eligible, codes, found = world
    items = [item for item in sorted(found) if eligible[item]]
    filled = top_up(int32(items), np.array(eligible), int32(codes), cap, k).tolist()
    assert len(set(filled)) == len(filled) >= min(k, sum(eligible))
    assert all(eligible[item] for item in filled)

    def fitting(these: list[int]) -> int:
        by_code = Counter(codes[item] for item in these)
        return sum(n if code < 0 else min(n, cap) for code, n in by_code.items())

    everything = [item for item, is_in in enumerate(eligible) if is_in]
    assert fitting(filled) >= min(k, fitting(everything))
