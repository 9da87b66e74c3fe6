"""triple2vec, in worlds whose right answer anyone can derive."""

import numpy as np
import pytest

from index_builder.config import TrainConfig
from index_builder.embeddings.embeddings import Embeddings, Step, TrainingError, log_share
from index_builder.embeddings.triple2vec import train
from index_builder.transactions.encoded.encoding import EncodedBaskets
from service.support.arrays.array_types import Int64
from tests.data.encoded import encoded
from tests.data.two_aisles import (
    N_ITEMS,
    N_USERS,
    aisle_lead,
    cohesion,
    own_aisle_lead,
    two_aisles,
)


def learn(
    baskets: EncodedBaskets,
    n_items: int = N_ITEMS,
    n_users: int = N_USERS,
    epochs: int = 30,
    **config: float,
) -> Embeddings:
    chosen = TrainConfig.model_validate({"dimension": 8, "threads": 1, **config})
    return train(baskets, n_items, n_users, chosen, epochs * len(baskets.basket_items))


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_items_cohere_with_their_aisle_and_users_prefer_it(threads: int) -> None:
    embeddings = learn(two_aisles(), threads=threads)
    assert aisle_lead(embeddings) > 0
    assert own_aisle_lead(embeddings) > 0


def test_one_thread_with_a_seed_repeats_to_the_last_bit() -> None:
    first, second = (learn(two_aisles(), epochs=5, seed=7) for _ in range(2))
    other = learn(two_aisles(), epochs=5, seed=8)
    for name, table in vars(first).items():
        np.testing.assert_array_equal(table, getattr(second, name), strict=True)
        assert not np.isclose(table, getattr(other, name)).all()


def test_shapes_and_dtypes() -> None:
    embeddings = learn(two_aisles(), epochs=1, dimension=5)
    assert embeddings.item_p.shape == embeddings.item_q.shape == (N_ITEMS, 5)
    assert embeddings.user_h.shape == (N_USERS, 5)
    assert {table.dtype.name for table in vars(embeddings).values()} == {"float32"}
    assert not np.allclose(embeddings.item_p, embeddings.item_q)  # two tables, not one


def test_an_item_is_never_its_own_partner() -> None:
    # Items come in couples: triples of i = j would make p_i·q_i as strong as the couple's bond.
    couples = [[item, item + 1] for item in range(0, N_ITEMS, 2)] * 30
    embeddings = learn(encoded(couples, [0, 1] * (len(couples) // 2)), n_users=2, epochs=60)
    product = embeddings.item_p @ embeddings.item_q.T
    partner = np.arange(N_ITEMS) ^ 1
    assert (product[np.arange(N_ITEMS), partner] > np.diag(product) + 1).all()


def learnt_popularity(*, popularity_logit: bool) -> float:
    """The slope of what vectors score over the log of popularity, where that is all there is.

    Baskets are random draws from a steep popularity, for all users alike.
    """
    n_items, random = 30, np.random.default_rng(0)
    popularity = 1 / np.arange(1, n_items + 1)
    baskets = [
        random.choice(n_items, 3, replace=False, p=popularity / popularity.sum()).tolist()
        for _ in range(3000)
    ]
    world = encoded(baskets, random.integers(0, 5, len(baskets)).tolist())
    embeddings = learn(world, n_items, 5, epochs=10, popularity_logit=popularity_logit)
    contexts = embeddings.item_q[world.basket_items] + embeddings.user_h[0]
    learnt = (contexts @ embeddings.item_p.T).mean(axis=0)
    return float(np.polyfit(np.log(popularity), learnt, 1)[0])


def test_popularity_is_left_to_the_prior() -> None:
    # Once it is allowed for, nothing is left that a vector could explain. The slope is 1 if the
    # vectors had to learn popularity, -1 if it were undone.
    assert abs(learnt_popularity(popularity_logit=True)) < 0.25


def test_plain_nce_leaves_popularity_to_the_vectors() -> None:
    assert 0.4 < learnt_popularity(popularity_logit=False) < 1.1


def test_the_loss_falls() -> None:
    steps: list[Step] = []

    def on_step(step: Step, _: Embeddings) -> bool:
        steps.append(step)
        return False

    config = TrainConfig(dimension=8, threads=1)
    train(two_aisles(), N_ITEMS, N_USERS, config, 30_001, on_step)
    triples = [step.lines for step in steps]
    assert triples == sorted(set(triples))
    assert triples[-1] == 30_001
    assert len(steps) >= 10  # a short training can be stopped in time too
    losses = [step.loss for step in steps]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize("popularity_logit", [True, False])
def test_the_first_loss_is_that_of_vectors_that_know_nothing(popularity_logit: bool) -> None:
    # Every logit is its offset then, log share - log(negatives * noise), with noise log-uniform
    # over popularity rank; without the popularity, 1 / n takes the place of the share.
    # Items are numbered against their popularity, to tell rank from index.
    random, n_items, negatives = np.random.default_rng(0), 20, 5
    popularity = np.arange(1.0, n_items + 1) ** 2
    baskets = [
        random.choice(n_items, 2, replace=False, p=popularity / popularity.sum()).tolist()
        for _ in range(500)
    ]
    users = np.minimum(random.geometric(0.4, len(baskets)), 6) - 1
    losses: list[float] = []

    def on_step(step: Step, _: Embeddings) -> bool:
        losses.append(step.loss)
        return True

    config = TrainConfig(
        threads=1, negatives=negatives, learning_rate=1e-9, popularity_logit=popularity_logit
    )
    train(encoded(baskets, users.tolist()), n_items, 6, config, 1_000_000, on_step)
    of_items = expected_loss(np.bincount(np.ravel(baskets), minlength=n_items), config)
    of_users = expected_loss(np.bincount(users, minlength=6), config)
    assert losses == [pytest.approx((2 * of_items + of_users) / 3, rel=0.01)]


def expected_loss(counts: Int64, config: TrainConfig) -> float:
    """The mean loss of a term over the positives, when every logit is its offset."""
    share, negatives = counts / counts.sum(), config.negatives
    prior = share if config.popularity_logit else np.full(len(counts), 1 / len(counts))
    rank = np.empty(len(counts))
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    noise = np.log((rank + 2) / (rank + 1)) / np.log(len(counts) + 1)
    with np.errstate(divide="ignore"):
        offset = np.log(prior) - np.log(negatives * noise)
    mistaken = negatives * noise * np.logaddexp(0, offset)
    known = share > 0
    of_positive = np.logaddexp(0, -offset[known]) + mistaken.sum() - mistaken[known]
    return float(share[known] @ of_positive)


def test_on_step_can_end_the_training() -> None:
    shown: list[tuple[int, Embeddings]] = []

    def on_step(step: Step, embeddings: Embeddings) -> bool:
        shown.append((step.lines, embeddings))
        return len(shown) == 3

    embeddings = train(
        two_aisles(), N_ITEMS, N_USERS, TrainConfig(dimension=8, threads=2), 100_000, on_step
    )
    assert len(shown) == 3
    assert shown[-1][0] < 100_000
    assert shown[-1][1] is embeddings


def test_fewer_triples_than_threads() -> None:
    config = TrainConfig(dimension=8, threads=4)
    embeddings = train(two_aisles(), N_ITEMS, N_USERS, config, 1)
    assert np.isfinite(embeddings.item_p).all()


def test_a_user_without_a_pair_of_items_stays_at_zero() -> None:
    # User 2 and 3 are in the table but bought single items, or nothing.
    world = encoded([[0, 1], [0, 2], [1, 2], [3]] * 20, users=[0, 1, 1, 2] * 20)
    embeddings = learn(world, n_items=4, n_users=4)
    assert (embeddings.user_h[2:] == 0).all()
    assert (embeddings.user_h[:2] != 0).any(axis=1).all()


def test_an_item_that_was_never_bought_with_another_goes_with_nothing() -> None:
    world = encoded([[0, 1], [0, 2], [1, 2], [3]] * 100, users=[0, 1, 1, 0] * 100)
    embeddings = learn(world, n_items=4, n_users=2, epochs=60)
    assert np.isfinite(embeddings.item_p).all()
    found = cohesion(embeddings)
    assert (found[:3, 3] < [found[0, 1], found[1, 2], found[2, 0]]).all()


def test_a_shop_with_a_single_user_does_not_collapse() -> None:
    # All baskets under one id. P(u | i, j) is 1 then, and must not drag every item one way.
    embeddings = learn(two_aisles(one_user=True), n_users=1, epochs=100)
    assert aisle_lead(embeddings) > 0
    unit = embeddings.item_p / np.linalg.norm(embeddings.item_p, axis=1, keepdims=True)
    assert (unit @ unit.T).mean() < 0.3


def test_the_smallest_world_there_is() -> None:
    embeddings = learn(encoded([[0, 1]], [0]), n_items=2, n_users=1)
    assert cohesion(embeddings)[0, 1] > 0


def test_without_any_pair_there_is_nothing_to_learn() -> None:
    with pytest.raises(TrainingError, match="two items or more"):
        learn(encoded([[0], [1]], [0, 1]), n_items=2, n_users=2)


def test_a_learning_rate_that_explodes_stops_the_training() -> None:
    with pytest.raises(TrainingError, match=r"(item_p|item_q|user_h): .*NaN.*learning rate"):
        learn(two_aisles(), learning_rate=1e30)


def test_log_share_counts_nothing_as_a_half() -> None:
    assert log_share(np.array([6, 2, 0])) == pytest.approx(np.log([6 / 8, 2 / 8, 0.5 / 8]))
