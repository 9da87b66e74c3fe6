"""Post-processing, against plain references written from the definitions."""

from collections import Counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.postprocess import best_first, cap_categories, diversify, top_up

Int32 = npt.NDArray[np.int32]
Float32 = npt.NDArray[np.float32]

code_lists = st.lists(st.integers(-1, 4), max_size=30)


def int32(values: list[int]) -> Int32:
    return np.array(values, np.int32)


@given(st.lists(st.sampled_from([-1.5, 0.0, 0.5, 2.0]), max_size=30))
def test_best_first_and_ties_in_order(scores: list[float]) -> None:
    order = best_first(np.array(scores, np.float32)).tolist()
    assert order == sorted(range(len(scores)), key=lambda place: (-scores[place], place))


@given(code_lists, st.integers(0, 5))
def test_the_cap_keeps_the_first_places_of_each_category(codes: list[int], cap: int) -> None:
    seen: Counter[int] = Counter()
    expected = []
    for code in codes:
        seen[code] += 1
        expected.append(cap == 0 or code < 0 or seen[code] <= cap)
    assert cap_categories(int32(codes), cap).tolist() == expected


def best_of(scores: list[float]) -> int:
    return max(range(len(scores)), key=lambda place: scores[place])


def mmr_by_definition(
    vectors: npt.NDArray[np.float64], scores: npt.NDArray[np.float64], k: int, weight: float
) -> list[tuple[int, list[float]]]:
    """What is taken at each step, and the merit that every place had then."""
    relevance = (scores - scores.min()) / max(scores.max() - scores.min(), 1e-30)
    if scores.max() == scores.min():
        relevance = np.ones(len(scores))
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    taken: list[int] = []
    steps = []
    for _ in range(min(k, len(scores))):
        merits = [
            -np.inf
            if place in taken
            else weight * relevance[place]
            - (1 - weight) * max((float(unit[place] @ unit[other]) for other in taken), default=0)
            for place in range(len(scores))
        ]
        taken.append(best_of(merits))
        steps.append((taken[-1], merits))
    return steps


@given(
    st.integers(0, 2**32 - 1),
    st.integers(1, 12),
    st.integers(1, 15),
    st.floats(0, 1, allow_subnormal=False),
)
def test_each_step_of_mmr_takes_the_largest_merit(seed: int, n: int, k: int, weight: float) -> None:
    random = np.random.default_rng(seed)
    vectors = random.standard_normal((n, 3)).astype(np.float32)
    scores = -np.sort(-random.standard_normal(n)).astype(np.float32)
    taken = diversify(vectors, scores, k, weight).tolist()
    assert len(set(taken)) == len(taken) == min(k, n)
    expected = mmr_by_definition(vectors.astype(float), scores.astype(float), k, weight)
    for place, (wanted, merits) in zip(taken, expected, strict=True):
        # Roundings of float32 may turn a near tie, and then the lists part.
        assert merits[place] == pytest.approx(merits[wanted], abs=1e-5)
        if place != wanted:
            break


def test_mmr_by_hand() -> None:
    #             best     its twin   the other way   between, and last
    vectors = np.array([[2, 0], [1, 0], [0, 3], [1, 1]], np.float32)
    scores = np.array([1, 0.9, 0.6, 0], np.float32)
    # Half and half, after the first: .45 - .5·1 against .3 - .5·0 against 0 - .5·.71.
    assert diversify(vectors, scores, 4, 0.5).tolist() == [0, 2, 1, 3]
    assert diversify(vectors, scores, 2, 0.5).tolist() == [0, 2]


def test_lambda_one_keeps_the_order_and_zero_spreads() -> None:
    vectors = np.array([[1, 0], [1, 0.1], [1, -0.1], [-1, 0]], np.float32)
    scores = np.array([4, 3, 2, 1], np.float32)
    assert diversify(vectors, scores, 4, 1.0).tolist() == [0, 1, 2, 3]
    assert diversify(vectors, scores, 4, 0.0).tolist()[:2] == [0, 3]


def test_mmr_of_equal_scores_and_of_vectors_that_are_zero() -> None:
    vectors, scores = np.zeros((3, 2), np.float32), np.ones(3, np.float32)
    assert diversify(vectors, scores, 3, 0.5).tolist() == [0, 1, 2]


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
