"""From scores to a ranking."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from index_builder.measuring.quality import K
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.held_out import HeldOut
from service.support.arrays.array_types import Float32
from tests.data.held_out import basket


def test_the_best_first_and_equals_by_popularity() -> None:
    scores = np.array([0, 1, 5, 1, 0, 3], np.float32)
    assert top(lambda _: scores)(basket([])) == [2, 5, 1, 3, 0, 4]
    assert top(lambda _: scores)(basket([5, 1])) == [2, 3, 0, 4]
    assert top(lambda _: scores)(basket([0, 1, 2, 3, 4, 5])) == []


def test_equals_at_the_end_of_the_list_are_the_most_popular_ones() -> None:
    scores = np.zeros(100, np.float32)
    scores[[90, 80]] = 1
    assert top(lambda _: scores)(basket([0])) == [80, 90, *range(1, K - 1)]


def test_a_scorer_sees_no_targets_and_no_order() -> None:
    seen: list[HeldOut] = []

    def scorer(shown: HeldOut) -> Float32:
        seen.append(shown)
        return np.arange(10, dtype=np.float32)

    top(scorer)(basket([7, 2, 4], user=3, targets=(1, 9)))
    assert seen[0].user == 3
    assert seen[0].given.tolist() == [2, 4, 7]
    assert seen[0].targets.tolist() == []


def test_a_scorers_own_array_stays_as_it_is() -> None:
    scores = np.arange(5, dtype=np.float32)
    top(lambda _: scores)(basket([4]))
    assert scores.tolist() == [0, 1, 2, 3, 4]


@given(
    scores=st.lists(st.integers(-2, 3), min_size=1, max_size=60),
    in_basket=st.sets(st.integers(0, 59)),
)
def test_it_is_the_start_of_the_full_order(scores: list[int], in_basket: set[int]) -> None:
    inside = sorted(item for item in in_basket if item < len(scores))
    outside = [item for item in range(len(scores)) if item not in inside]
    in_order = sorted(outside, key=lambda item: (-scores[item], item))
    assert top(lambda _: np.array(scores, np.float32))(basket(inside)) == in_order[:K]
