"""The compiled loops against the same sums in plain Python."""

from math import sqrt

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from service._passes import PAST, PAST_SUMS, add_neighbours, add_past_baskets, clear

N = 8
DAY = 86_400

baskets_of_n = st.lists(
    st.tuples(st.integers(0, 400), st.sets(st.integers(0, N - 1), min_size=1)), max_size=6
)


@settings(max_examples=60)
@given(past=baskets_of_n, present=st.sets(st.integers(0, N - 1)))
def test_sums_over_past_baskets(past: list[tuple[int, set[int]]], present: set[int]) -> None:
    past = sorted(past, key=lambda each: -each[0])  # oldest first
    weight = np.linspace(0.5, 3, N, dtype=np.float32)
    sums, shelves = np.zeros((N, PAST_SUMS), np.float32), np.zeros((2, 3), np.float32)
    touched = np.empty(N, np.int32)
    in_basket = np.isin(np.arange(N), list(present))
    n_touched, totals = add_past_baskets(
        in_basket,
        len(present),
        500 * DAY,
        np.array([(500 - age) * DAY for age, _ in past], np.int64),
        np.cumsum([0, *(len(items) for _, items in past)], dtype=np.int64),
        np.array([item for _, items in past for item in sorted(items)], np.int32),
        weight,
        (np.arange(N) % 2).astype(np.int32),
        sums,
        shelves,
        touched,
    )
    for item in range(N):
        own = [(age, items) for age, items in past if item in items]
        shared = [(age, items & present, items) for age, items in own]
        expected = {
            "count": len(own),
            "short": sum(0.5 ** (age / 14) for age, _ in own),
            "middle": sum(0.5 ** (age / 60) for age, _ in own),
            "long": sum(0.5 ** (age / 180) for age, _ in own),
            "last_days": own[-1][0] if own else 0,
            "first_days": own[0][0] if own else 0,
            "vote": sum(
                len(both) / sqrt(max(1, len(items) * len(present))) for _, both, items in shared
            ),
            "late_vote": sum(
                sum(float(weight[i]) for i in both) * 0.5 ** (age / 60) for age, both, _ in shared
            ),
            "share_vote": sum(
                0.5 ** (age / 180) * len(both) / len(items) for age, both, items in shared
            ),
        }
        assert list(expected) == list(PAST)
        np.testing.assert_allclose(sums[item], list(expected.values()), rtol=1e-4, atol=1e-6)
    for shelf in range(2):
        lines = [(age, i) for age, items in past for i in items if i % 2 == shelf]
        expected_shelf = [len(lines), sum(0.5 ** (age / 14) for age, _ in lines)]
        np.testing.assert_allclose(shelves[shelf, :2], expected_shelf, rtol=1e-4, atol=1e-6)
        assert shelves[shelf, 2] == (lines[-1][0] if lines else 0)
    half_lives = (14, 60, 180)
    expected_totals = [sum(0.5 ** (age / half) for age, _ in past) for half in half_lives]
    lines_in_all = sum(len(items) for _, items in past)
    np.testing.assert_allclose(totals, [*expected_totals, lines_in_all], rtol=1e-4, atol=1e-6)
    assert sorted(touched[:n_touched].tolist()) == sorted(set().union(*(i for _, i in past)))
    clear(sums, touched[:n_touched])
    assert not sums.any()


@settings(max_examples=60)
@given(basket=st.sets(st.integers(0, N - 1)), seed=st.integers(0, 999))
def test_sums_over_neighbours(basket: set[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    together = random.integers(0, 4, (N, N))  # 0: no neighbours
    np.fill_diagonal(together, 0)
    item_count = random.integers(4, 50, N).astype(np.int32)
    rows, columns = together.nonzero()
    sums, touched = np.zeros((N, 3), np.float32), np.empty(N, np.int32)
    n_touched = add_neighbours(
        np.array(sorted(basket), np.int32),
        np.searchsorted(rows, np.arange(N + 1)).astype(np.int64),
        columns.astype(np.int32),
        together[rows, columns].astype(np.int32),
        item_count,
        5.0,
        sums,
        touched,
    )
    own = sorted(basket)
    cosine = together / (np.sqrt(np.outer(item_count, item_count)) + 5)
    confidence = together / item_count[:, None]
    expected = [
        cosine[own].sum(axis=0),
        cosine[own].max(axis=0, initial=0),
        confidence[own].sum(axis=0),
    ]
    np.testing.assert_allclose(sums, np.stack(expected, axis=1), rtol=1e-5)
    assert sorted(touched[:n_touched].tolist()) == np.flatnonzero(sums[:, 0]).tolist()
    clear(sums, touched[:n_touched])
    assert not sums.any()
