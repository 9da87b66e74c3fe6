"""Fold-in: user vectors from past baskets."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from service.profiles.fold_in import FoldIn, learned_by_completion
from service.support.arrays.array_types import Float32
from tests.data.tiny_bundle import DIMENSION, N_ITEMS, tiny_contents

DAY_S = 86_400
HALF_LIFE_DAYS = 60.0
BAKERY, GARDEN = [0, 2, 4, 6], [1, 3, 5, 7]


@pytest.fixture(scope="module")
def item_vectors() -> Float32:
    """Those of the tiny bundle: the two aisles point in opposite directions."""
    return tiny_contents().item_vectors


def folded(
    item_vectors: Float32, baskets: Sequence[Sequence[int]], days: Sequence[float] | None = None
) -> Float32:
    """The vector of a user with these baskets, begun at these days."""
    begun = np.array([day * DAY_S for day in days or [0] * len(baskets)], np.int64)
    indptr = np.cumsum([0, *map(len, baskets)])
    items = np.array([item for basket in baskets for item in basket], np.int32)
    return FoldIn(item_vectors, HALF_LIFE_DAYS).user_h(begun, indptr, items)


def preferred(item_vectors: Float32, user_h: Float32) -> Float32:
    """h_u·(p_j + q_j) of every item."""
    p, q, _ = np.split(item_vectors, [DIMENSION, 2 * DIMENSION], axis=1)
    return np.asarray((p + q) @ user_h, np.float32)


def test_a_shopper_of_one_aisle_gets_its_side(item_vectors: Float32) -> None:
    for own, other in ((BAKERY, GARDEN), (GARDEN, BAKERY)):
        scores = preferred(item_vectors, folded(item_vectors, [own, own[:2]]))
        aisle = np.arange(N_ITEMS) % 2 == own[0]
        assert scores[aisle].min() > scores[~aisle].max()
        assert scores[own].mean() > 0 > scores[other].mean()


def test_one_dimension_by_hand() -> None:
    """Here p = q = ±1, bought equally often: S = s = 2, so h = 2n / (2n + 2κ) with κ = 40."""
    vectors = np.array([[1, 1, np.log(0.5)], [-1, -1, np.log(0.5)]], np.float32)
    for n in (1, 10, 40, 1000):
        assert folded(vectors, [[0]] * n) == pytest.approx(n / (n + 40))
        assert folded(vectors, [[1]] * n) == pytest.approx(-n / (n + 40))
    assert folded(vectors, [[0, 1]]) == pytest.approx(0)
    # The first basket is one half-life old when the second begins.
    assert folded(vectors, [[0], [1]], [0, HALF_LIFE_DAYS]) == pytest.approx(-0.5 / (1.5 + 40))


def test_what_is_popular_says_less() -> None:
    """One item is bought 3 times in 4: ±2 differ from their mean by 1 and -3; S = s = 1.5."""
    vectors = np.array([[1, 1, np.log(0.75)], [-1, -1, np.log(0.25)]], np.float32)
    assert folded(vectors, [[0]]) == pytest.approx(1 / (1.5 + 60))
    assert folded(vectors, [[1]]) == pytest.approx(-3 / (1.5 + 60))


@given(st.integers(0, 2**32 - 1))
def test_it_solves_the_equation_it_states(seed: int) -> None:
    random = np.random.default_rng(seed)
    count = random.integers(1, 100, N_ITEMS)
    p, q = random.standard_normal((2, N_ITEMS, DIMENSION)) + random.standard_normal(DIMENSION)
    vectors = np.column_stack([p, q, np.log(count / count.sum())]).astype(np.float32)
    items = random.integers(N_ITEMS, size=30)
    covariance = np.cov(p.T, aweights=count, ddof=0) + np.cov(q.T, aweights=count, ddof=0)
    prior = 40 * np.trace(covariance) / DIMENSION * np.eye(DIMENSION)
    differs = (p + q - np.average(p + q, axis=0, weights=count))[items].sum(axis=0)
    expected = np.linalg.solve(30 * covariance + prior, differs)
    user_h = folded(vectors, [items[:10].tolist(), items[10:].tolist()])
    np.testing.assert_allclose(user_h, expected, rtol=1e-3, atol=1e-4)


@given(st.permutations(range(6)))
def test_the_order_of_baskets_and_items_is_nothing(order: list[int]) -> None:
    vectors = tiny_contents().item_vectors
    baskets = [[0, 2, 4], [1], [6, 3], [8, 10], [5, 7], [12]]
    days = [0, 10, 20, 20, 50, 60]
    shuffled = [baskets[b][::-1] for b in order]
    np.testing.assert_allclose(
        folded(vectors, shuffled, [days[b] for b in order]),
        folded(vectors, baskets, days),
        rtol=1e-4,
        atol=1e-6,
    )


def test_the_later_basket_decides(item_vectors: Float32) -> None:
    bakery, garden = preferred(item_vectors, folded(item_vectors, [BAKERY]))[[0, 1]]
    assert bakery > garden
    before = preferred(item_vectors, folded(item_vectors, [BAKERY, GARDEN], [0, 120]))[[0, 1]]
    assert before[0] < before[1]
    after = preferred(item_vectors, folded(item_vectors, [BAKERY, GARDEN], [120, 0]))[[0, 1]]
    assert after[0] > after[1]


def test_one_dimension_of_basket_completion_by_hand() -> None:
    """Here p + q = ±2, so S = s = 4, and h = 2n / (4n + 4κ) with κ = 640."""
    vectors = np.array([[1, 1, np.log(0.5)], [-1, -1, np.log(0.5)]], np.float32)
    fold_in = FoldIn(vectors, HALF_LIFE_DAYS, completion=True)
    for n in (1, 10, 640):
        begun, indptr = np.zeros(n, np.int64), np.arange(n + 1)
        user_h = fold_in.user_h(begun, indptr, np.zeros(n, np.int32))
        assert user_h == pytest.approx(n / (2 * (n + 640)))


@pytest.mark.parametrize(
    ("build", "completion"),
    [
        ({"train": {"objective": "completion"}}, True),
        ({"train": {"negatives": 5}}, False),
        ({}, False),
    ],
)
def test_bundles_that_do_not_name_their_objective_are_triple2vecs(
    build: dict[str, object], completion: bool
) -> None:
    assert learned_by_completion(build) == completion


def test_only_the_distance_of_the_times_counts(item_vectors: Float32) -> None:
    early = folded(item_vectors, [BAKERY, GARDEN], [-30_000, -29_970])
    np.testing.assert_array_equal(early, folded(item_vectors, [BAKERY, GARDEN], [20_000, 20_030]))


def test_a_longer_record_is_trusted_more(item_vectors: Float32) -> None:
    norms = [np.linalg.norm(folded(item_vectors, [BAKERY] * n)) for n in (1, 4, 16, 64)]
    assert norms == sorted(norms)
    assert norms[0] > 0


def test_offsets_may_start_anywhere(item_vectors: Float32) -> None:
    """A profile's offsets lead into the items of all users."""
    fold_in = FoldIn(item_vectors, HALF_LIFE_DAYS)
    items = np.array([*GARDEN, *BAKERY, *GARDEN], np.int32)
    begun = np.array([0, DAY_S], np.int64)
    own = fold_in.user_h(begun, np.array([4, 6, 8]), items)
    np.testing.assert_array_equal(own, folded(item_vectors, [BAKERY[:2], BAKERY[2:]], [0, 1]))


@pytest.mark.parametrize("baskets", [[], [[]], [[], []]])
def test_nothing_bought_gives_the_zero_vector(
    item_vectors: Float32, baskets: list[list[int]]
) -> None:
    user_h = folded(item_vectors, baskets)
    assert user_h.dtype == np.float32
    np.testing.assert_array_equal(user_h, np.zeros(DIMENSION))


@given(
    arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32)),
    st.lists(st.lists(st.integers(0, 2), max_size=4), max_size=5),
    st.floats(0, 1e6),
)
def test_the_vector_is_always_finite_and_always_the_same(
    duals: Float32, baskets: list[list[int]], gap_days: float
) -> None:
    """Items that are all alike or all zero, empty baskets, ages whose weight vanishes."""
    vectors = np.column_stack([duals, np.log([0.5, 0.5 - 1e-6, 1e-6])]).astype(np.float32)
    days = [gap_days * place for place in range(len(baskets))]
    user_h = folded(vectors, baskets, days)
    assert user_h.shape == (2,)
    assert np.isfinite(user_h).all()
    assert user_h.tobytes() == folded(vectors, baskets, days).tobytes()
