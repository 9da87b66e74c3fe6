"""Keys sort as the ranking does: by score, ties by index. So do places."""

from math import isnan

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from service.support.arrays.rank_keys import best_first, best_keys, indices_of, rank_key, unpack

scores = st.floats(allow_nan=False, width=32) | st.sampled_from([0.0, -0.0, 1.0, float("-inf")])
pairs = st.lists(st.tuples(scores, st.integers(0, 2**31 - 1)), unique_by=lambda pair: pair[1])


@given(pairs=pairs, k=st.integers(0, 9))
def test_keys_rank_and_can_be_unpacked(pairs: list[tuple[float, int]], k: int) -> None:
    keys = np.array([rank_key(np.float32(score), index) for score, index in pairs], np.int64)
    ranked = sorted(pairs, key=lambda pair: (-pair[0], pair[1]))
    found_scores, found_indices = unpack(np.sort(keys)[None])
    assert list(zip(found_scores[0].tolist(), found_indices[0].tolist(), strict=True)) == ranked
    assert sorted(indices_of(best_keys(keys, k)).tolist()) == sorted(i for _, i in ranked[:k])


@given(st.lists(scores, max_size=300))
def test_the_best_place_comes_first_and_the_smaller_one_of_equal_scores(
    numbers: list[float],
) -> None:
    ranked = sorted(range(len(numbers)), key=lambda place: (-numbers[place], place))
    assert best_first(np.array(numbers, np.float32)).tolist() == ranked


@given(st.lists(st.floats(width=32), max_size=50))
def test_what_is_no_number_takes_no_place_of_a_number(numbers: list[float]) -> None:
    found = best_first(np.array(numbers, np.float32)).tolist()
    assert sorted(found) == [*range(len(numbers))]
    finite = [place for place in range(len(numbers)) if not isnan(numbers[place])]
    ranked = sorted(finite, key=lambda place: (-numbers[place], place))
    assert [place for place in found if place in finite] == ranked
