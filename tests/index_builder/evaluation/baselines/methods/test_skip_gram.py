"""item2vec and BB2vec."""

import sys
from collections.abc import Callable

import numpy as np
import pytest

from index_builder.evaluation.baselines.methods.skip_gram import (
    SkipGram,
    bb2vec,
    gensim_is_installed,
    item2vec,
    skip_gram,
)
from index_builder.measuring.scorer import Scorer, top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained
from tests.data.held_out import basket

WITH_GENSIM = pytest.mark.skipif(not gensim_is_installed(), reason="gensim is not installed")

VECTORS = SkipGram(
    inputs=np.array([[3, 0], [0, 2], [1, 1], [0, 0]], np.float32),
    outputs=np.array([[0, 1], [5, 0], [1, -1], [0, 0]], np.float32),
)


def test_item2vec_is_the_cosine_of_input_vectors() -> None:
    half = np.sqrt(0.5)
    assert item2vec(VECTORS)(basket([0])) == pytest.approx([1, 0, half, 0])
    # The mean of [1, 0] and [0, 1] lies in the direction of item 2.
    assert top(item2vec(VECTORS))(basket([0, 1])) == [2, 3]


def test_bb2vec_is_input_times_output() -> None:
    assert bb2vec(VECTORS)(basket([0])).tolist() == [0, 15, 3, 0]
    assert bb2vec(VECTORS)(basket([0, 1])).tolist() == [2, 15, 1, 0]


@WITH_GENSIM
@pytest.mark.parametrize("method", [item2vec, bb2vec])
@pytest.mark.parametrize("noise_power", [0.75, 0])
def test_aisles_do_not_mix(
    method: Callable[[SkipGram], Scorer], noise_power: float, aisles: EncodedTransactions
) -> None:
    rank = top(method(skip_gram(aisles, noise_power, threads=1)))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item]))[:5])


@WITH_GENSIM
def test_an_item_without_a_pair_stays_at_zero() -> None:
    vectors = skip_gram(trained([[0, 1], [0, 1], [3]], 5), threads=1)
    for table in (vectors.inputs, vectors.outputs):
        assert table.shape == (5, 64)
        assert table.dtype == np.float32
        assert table.any(axis=1).tolist() == [True, True, False, False, False]


@WITH_GENSIM
def test_one_thread_with_a_seed_repeats(aisles: EncodedTransactions) -> None:
    first, again, other = (skip_gram(aisles, threads=1, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.inputs, again.inputs)
    np.testing.assert_array_equal(first.outputs, again.outputs)
    assert not np.isclose(first.inputs, other.inputs).all()


@WITH_GENSIM
def test_vectors_learn_the_popularity_that_the_noise_has_not() -> None:
    # Baskets are random draws: input · output is log(popularity / noise) but for a constant.
    random, n_items = np.random.default_rng(0), 30
    popularity = 1 / np.arange(1, n_items + 1)
    baskets = [
        random.choice(n_items, 3, replace=False, p=popularity / popularity.sum()).tolist()
        for _ in range(2000)
    ]
    shop = trained(baskets, n_items)
    slopes = []
    for noise_power in (0, 0.75, 1.5):
        vectors = skip_gram(shop, noise_power, threads=1)
        scores = np.mean([bb2vec(vectors)(basket([item])) for item in range(n_items)], axis=0)
        slopes.append(np.polyfit(np.log(shop.item_count), scores, 1)[0])
    assert slopes == pytest.approx([1, 0.25, -0.5], abs=0.3)


def test_a_missing_gensim_is_mentioned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gensim", None)
    assert not gensim_is_installed()
