"""Candidates: what all sources bring, each item once."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.profiles.profile import Profile
from service.recommending.candidates import merge
from service.support.arrays.array_types import Int32

N = 10


def int32(*values: int) -> Int32:
    return np.array(values, np.int32)


def user(**history: float) -> Profile:
    """A user with a history of recencies by item, as `i3=0.1`."""
    items = int32(*sorted(int(name[1:]) for name in history))
    recency = np.array([history[f"i{item}"] for item in items], np.float32)
    nothing = np.zeros(len(items), np.int64)
    return Profile(np.zeros(2, np.float32), items, np.ones_like(items), recency, nothing)


def merged(found: Int32, profile: Profile | None, history: int, *out: int) -> list[int]:
    """The candidates; `out` are not eligible."""
    eligible = ~np.isin(np.arange(N), out)
    items = merge(found, profile, eligible, False, history)
    assert items.dtype == np.int32
    return [int(item) for item in items]


def test_what_all_sources_bring_comes_once_and_ascending() -> None:
    found = int32(5, 2, -1, 2, 7, -1)
    assert merged(found, user(i2=0.1, i9=0.2), 10) == [2, 5, 7, 9]
    assert merged(found, None, 10) == [2, 5, 7]
    assert merged(found, user(i9=0.2), 0) == [2, 5, 7]
    assert merged(found, user(i9=0.2), 10, 5, 9) == [2, 7]


def test_of_a_long_history_the_most_recent_items_come() -> None:
    profile = user(i1=0.1, i2=0.4, i3=0.2, i4=0.3)
    assert merged(int32(-1, -1), profile, 2) == [2, 4]
    assert merged(int32(-1, -1), profile, 4) == [1, 2, 3, 4]


def test_of_equally_recent_items_the_smaller_come() -> None:
    profile = user(i1=0.1, i2=0.1, i3=0.1, i4=0.3)
    assert merged(int32(), profile, 2) == [1, 4]
    assert merged(int32(), profile, 3) == [1, 2, 4]


def test_nothing_found_for_a_stranger_gives_no_candidates() -> None:
    assert merged(int32(), None, 10) == []
    assert merged(int32(-1, -1), None, 10) == []


@given(found=st.lists(st.integers(-1, N - 1), max_size=20), out=st.sets(st.integers(0, N - 1)))
def test_no_candidate_is_ineligible_or_repeated(found: list[int], out: set[int]) -> None:
    assert merged(int32(*found), None, 0, *out) == sorted(set(found) - out - {-1})


def test_of_narrowed_items_the_most_popular_come() -> None:
    eligible = np.isin(np.arange(N), [1, 4, 6])
    for narrowed, expected in ((True, [1, 4]), (False, [])):
        assert merge(int32(), None, eligible, narrowed, 2).tolist() == expected
