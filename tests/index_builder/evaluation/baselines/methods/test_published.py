"""The scores of the papers, by hand, and vectors that keep two aisles apart."""

from collections.abc import Callable

import numpy as np
import pytest

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import Embeddings
from index_builder.embeddings.triple2vec import train
from index_builder.evaluation.baselines.methods.published import (
    rtt2vec,
    train_published,
    triple2vec,
    triple2vec_without_user,
)
from index_builder.measuring.scorer import Scorer, top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.held_out import basket

METHODS = [triple2vec_without_user, triple2vec, rtt2vec]
RANDOM = np.random.default_rng(0)
P, Q, H = (RANDOM.standard_normal((rows, 3)) for rows in (7, 7, 4))
VECTORS = Embeddings(P.astype(np.float32), Q.astype(np.float32), H.astype(np.float32))
GIVEN, USER = [1, 4, 6], 2


@pytest.mark.parametrize(
    ("method", "of_pair"),
    [
        (triple2vec_without_user, lambda i, j: P[i] @ Q[j]),
        (triple2vec, lambda i, j: P[i] @ Q[j] + H[USER] @ Q[j]),
        (rtt2vec, lambda i, j: (Q[i] + H[USER]) @ P[j] + (P[i] + H[USER]) @ Q[j]),
    ],
)
def test_the_score_is_the_sum_over_anchors(
    method: Callable[[Embeddings], Scorer], of_pair: Callable[[int, int], float]
) -> None:
    wanted = [sum(of_pair(i, j) for i in GIVEN) for j in range(7)]
    assert method(VECTORS)(basket(GIVEN, USER)) == pytest.approx(wanted, abs=1e-5)


def test_the_users_vector_counts_but_where_it_is_left_out() -> None:
    for method in METHODS:
        ours, theirs = (method(VECTORS)(basket(GIVEN, user)) for user in (0, 1))
        assert (ours.tolist() == theirs.tolist()) == (method is triple2vec_without_user)


@pytest.fixture(scope="module")
def learned(aisles: EncodedTransactions) -> Embeddings:
    return train_published(aisles, TrainConfig(dimension=8, threads=1), epochs=30)


@pytest.mark.parametrize("method", METHODS)
def test_aisles_do_not_mix(
    method: Callable[[Embeddings], Scorer], learned: Embeddings, aisles: EncodedTransactions
) -> None:
    rank = top(method(learned))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item], user=item % 2))[:5])


def test_they_have_the_papers_dimension(learned: Embeddings) -> None:
    assert {table.shape[1] for table in vars(learned).values()} == {64}


def test_they_are_trained_by_plain_nce(aisles: EncodedTransactions) -> None:
    config = TrainConfig(dimension=64, threads=1, popularity_logit=False)
    plain = train(aisles, aisles.n_items, aisles.n_users, config, 2 * len(aisles.basket_items))
    ours = train_published(aisles, TrainConfig(dimension=8, threads=1), epochs=2)
    for name, table in vars(plain).items():
        np.testing.assert_array_equal(getattr(ours, name), table)
