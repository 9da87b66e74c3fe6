"""The compiled loops against the same sums in plain Python."""

from math import sqrt
from typing import Any

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from service.profiles.profile import UserBaskets
from service.recommending.ranking.known import NOTHING_KNOWN
from service.recommending.ranking.purchase_sums import add_neighbours, add_past_baskets
from service.recommending.ranking.scratch import (
    PAST_SUMS,
    SUBCATEGORY_SUMS,
    Scratch,
    Totals,
    scratch_for,
)
from service.support.arrays.read_only import read_only

N = 8
DAY = 86_400
HALF_LIVES = (14, 60, 180)  # days

baskets_of_n = st.lists(
    st.tuples(st.integers(0, 400), st.sets(st.integers(0, N - 1), min_size=1)), max_size=6
)


def used_scratch() -> Scratch:
    """Scratch with items of another request in its rows."""
    scratch = scratch_for(N)
    scratch.items[:] = 3
    return scratch


def near(record: Any, expected: dict[str, float]) -> None:
    found = [record[name] for name in expected]
    np.testing.assert_allclose(found, [*expected.values()], rtol=1e-4, atol=1e-6)


@settings(max_examples=60)
@given(past=baskets_of_n, present=st.sets(st.integers(0, N - 1)))
@example(past=[(9, set(range(N))), (2, set(range(N)))], present=set(range(N)))  # no row is left
def test_sums_over_past_baskets(past: list[tuple[int, set[int]]], present: set[int]) -> None:
    past = sorted(past, key=lambda each: -each[0])  # oldest first
    weight = np.linspace(0.5, 3, N, dtype=np.float32)
    scratch = used_scratch()
    totals = Totals(np.zeros(2, SUBCATEGORY_SUMS), np.zeros(1, PAST_SUMS))
    scratch.in_basket[list(present)] = True
    subcategory = read_only((np.arange(N) % 2).astype(np.int32))
    rows = add_past_baskets(
        NOTHING_KNOWN._replace(weight=read_only(weight), subcategory=subcategory),
        scratch,
        totals,
        UserBaskets(
            read_only(np.array([(500 - age) * DAY for age, _ in past], np.int64)),
            read_only(np.cumsum([0, *(len(items) for _, items in past)], dtype=np.int64)),
            read_only(np.array([item for _, items in past for item in sorted(items)], np.int32)),
        ),
        len(present),
        500 * DAY,
    )
    _, row_of, _, items, sums = scratch
    for item in range(N):
        own = [(age, items) for age, items in past if item in items]
        shared = [(age, items & present, items) for age, items in own]
        expected = {
            "purchases": len(own),
            "recency_14d": sum(0.5 ** (age / 14) for age, _ in own),
            "recency_60d": sum(0.5 ** (age / 60) for age, _ in own),
            "recency_180d": sum(0.5 ** (age / 180) for age, _ in own),
            "days_since_last": own[-1][0] if own else 0,
            "days_since_first": own[0][0] if own else 0,
            "like_basket_vote": sum(
                len(both) / sqrt(max(1, len(items) * len(present))) for _, both, items in shared
            ),
            "late_vote": sum(
                sum(float(weight[i]) for i in both) * 0.5 ** (age / 60) for age, both, _ in shared
            ),
            "share_vote": sum(
                0.5 ** (age / 180) * len(both) / len(items) for age, both, items in shared
            ),
        }
        near(sums[row_of[item]], expected)
    for parity in range(2):
        lines = [(age, i) for age, items in past for i in items if i % 2 == parity]
        expected = {
            "purchases": len(lines),
            "recency_14d": sum(0.5 ** (age / 14) for age, _ in lines),
            "days_since_last": lines[-1][0] if lines else 0,
        }
        near(totals.of_subcategory[parity], expected)
    expected = {
        "baskets": len(past),
        "lines": sum(len(items) for _, items in past),
        **{f"recency_{half}d": sum(0.5 ** (age / half) for age, _ in past) for half in HALF_LIVES},
        "days_since_last": past[-1][0] if past else 0,
    }
    near(totals.of_past[0], expected)
    assert sorted(items[1:rows].tolist()) == sorted(set().union(*(i for _, i in past)))


@settings(max_examples=60)
@given(basket=st.sets(st.integers(0, N - 1)), seed=st.integers(0, 999))
def test_sums_over_neighbours(basket: set[int], seed: int) -> None:
    random = np.random.default_rng(seed)
    together = random.integers(0, 4, (N, N))  # 0: no neighbours
    np.fill_diagonal(together, 0)
    item_count = random.integers(4, 50, N).astype(np.int32)
    weight = random.standard_normal((N, N)).astype(np.float32) * (together > 0)
    rows, columns = together.nonzero()
    scratch = used_scratch()
    known = NOTHING_KNOWN._replace(
        indptr=read_only(np.searchsorted(rows, np.arange(N + 1)).astype(np.int64)),
        neighbour=read_only(columns.astype(np.int32)),
        counts=read_only(together[rows, columns].astype(np.int32)),
        added=read_only(weight[rows, columns]),
        item_count=read_only(item_count),
    )
    rows_in_use = add_neighbours(known, scratch, np.array(sorted(basket), np.int32), 5.0, 1)
    _, row_of, _, items, sums = scratch
    own = sorted(basket)
    cosine = together / (np.sqrt(np.outer(item_count, item_count)) + 5)
    confidence = together / item_count[:, None]
    expected = {
        "cosine_sum": cosine[own].sum(axis=0),
        "cosine_max": cosine[own].max(axis=0, initial=0),
        "confidence_sum": confidence[own].sum(axis=0),
        "weight_sum": weight[own].sum(axis=0),
    }
    for name in sums.dtype.fields or ():
        np.testing.assert_allclose(sums[name][row_of], expected.get(name, np.zeros(N)), rtol=1e-5)
    assert sorted(items[1:rows_in_use].tolist()) == np.flatnonzero(expected["cosine_sum"]).tolist()
