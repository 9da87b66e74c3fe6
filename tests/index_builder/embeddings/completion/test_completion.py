"""Basket completion, in worlds whose right answer anyone can derive."""

import numpy as np
import pytest

from index_builder.config import TrainConfig
from index_builder.embeddings.completion.completion import train
from index_builder.embeddings.embeddings import Embeddings, Step, TrainingError
from index_builder.transactions.encoded.encoding import EncodedBaskets
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
    epochs: int = 12,
    seed: int = 1,
    threads: int = 1,
    dimension: int = 8,
    **completion: float,
) -> Embeddings:
    config = TrainConfig.model_validate(
        {
            "dimension": dimension,
            "threads": threads,
            "epochs": epochs,
            "seed": seed,
            "completion": completion,
        }
    )
    return train(baskets, n_items, n_users, config, epochs)


@pytest.mark.parametrize("sampled_items", [4, 100])
def test_items_cohere_with_their_aisle_whether_all_are_asked_for_or_a_sample(
    sampled_items: int,
) -> None:
    assert aisle_lead(learn(two_aisles(), sampled_items=sampled_items)) > 0


def test_users_prefer_their_aisle() -> None:
    assert own_aisle_lead(learn(two_aisles(), habit_share=0)) > 0


def test_beside_the_habit_users_have_less_to_learn() -> None:
    # Whoever stays in one aisle has bought all of it before: the habit says where to look.
    without, beside = (learn(two_aisles(), habit_share=share) for share in (0, 1))
    assert own_aisle_lead(beside) < own_aisle_lead(without)


def test_if_all_are_strangers_no_user_is_learned() -> None:
    assert (learn(two_aisles(), stranger_share=1).user_h == 0).all()


def test_any_number_of_threads_gives_the_same_bits() -> None:
    alone, *others = (
        learn(two_aisles(3000), epochs=2, seed=7, threads=threads, dimension=40)
        for threads in (1, 2, 5)
    )
    for each in others:
        for name, table in vars(alone).items():
            np.testing.assert_array_equal(table, getattr(each, name), strict=True)


def test_another_seed_gives_other_vectors() -> None:
    first, second = (learn(two_aisles(), epochs=2, seed=seed) for seed in (7, 8))
    assert not np.isclose(first.item_p, second.item_p).all()


def test_shapes_and_dtypes() -> None:
    embeddings = learn(two_aisles(), epochs=1, dimension=5)
    assert embeddings.item_p.shape == embeddings.item_q.shape == (N_ITEMS, 5)
    assert embeddings.user_h.shape == (N_USERS, 5)
    assert {table.dtype.name for table in vars(embeddings).values()} == {"float32"}
    assert not np.allclose(embeddings.item_p, embeddings.item_q)  # two tables, not one


def test_popularity_is_left_to_the_prior() -> None:
    # Baskets are random draws from a steep popularity: nothing is left for vectors to explain.
    n_items, random = 30, np.random.default_rng(0)
    popularity = 1 / np.arange(1, n_items + 1)
    baskets = [
        random.choice(n_items, 3, replace=False, p=popularity / popularity.sum()).tolist()
        for _ in range(3000)
    ]
    embeddings = learn(encoded(baskets, [0] * len(baskets)), n_items, 1, epochs=5)
    learnt = cohesion(embeddings).mean(axis=0)
    assert abs(np.polyfit(np.log(popularity), learnt, 1)[0]) < 0.25


def test_the_loss_falls_and_every_epoch_ends_with_a_look() -> None:
    steps: list[Step] = []

    def on_step(step: Step, _: Embeddings) -> bool:
        steps.append(step)
        return False

    world = two_aisles()
    config = TrainConfig(dimension=8, threads=1, epochs=6)
    train(world, N_ITEMS, N_USERS, config, 4, on_step)
    lines = [step.lines for step in steps]
    assert lines == sorted(set(lines))
    assert {epoch * len(world.basket_items) for epoch in (1, 2, 3, 4)} <= set(lines)
    assert lines[-1] == 4 * len(world.basket_items)
    assert steps[-1].loss < 0.9 * steps[0].loss


def test_on_step_can_end_the_training() -> None:
    shown: list[int] = []

    def on_step(step: Step, _: Embeddings) -> bool:
        shown.append(step.lines)
        return len(shown) == 3

    world = two_aisles()
    train(world, N_ITEMS, N_USERS, TrainConfig(dimension=8, epochs=5), 5, on_step)
    assert len(shown) == 3
    assert shown[-1] < len(world.basket_items)


def test_training_that_ends_early_is_the_beginning_of_the_longer_one() -> None:
    # Validation says after which epoch to stop; a build then goes exactly as far.
    config = TrainConfig(dimension=8, threads=1, epochs=4)
    world, seen = two_aisles(), []

    def on_step(step: Step, embeddings: Embeddings) -> bool:
        if step.lines == 2 * len(world.basket_items):
            seen.append(embeddings.item_p.copy())
        return False

    train(world, N_ITEMS, N_USERS, config, 4, on_step)
    short = train(world, N_ITEMS, N_USERS, config, 2)
    np.testing.assert_array_equal(short.item_p, seen[0])


def test_a_user_without_a_pair_of_items_stays_at_zero() -> None:
    world = encoded([[0, 1], [0, 2], [1, 2], [3]] * 20, users=[0, 1, 1, 2] * 20)
    embeddings = learn(world, n_items=4, n_users=4, habit_share=0)
    assert (embeddings.user_h[2:] == 0).all()
    assert (embeddings.user_h[:2] != 0).any(axis=1).all()


def test_guests_are_strangers_who_teach_items_alone() -> None:
    world = two_aisles()
    guests = learn(world, n_users=2)  # users 2 to 5 are guests then
    assert guests.user_h.shape == (N_USERS, 8)
    assert (guests.user_h[2:] == 0).all()
    assert (guests.user_h[:2] != 0).any(axis=1).all()
    assert aisle_lead(guests) > 0


def test_a_shop_with_a_single_user_learns_its_aisles_too() -> None:
    assert aisle_lead(learn(two_aisles(one_user=True), n_users=1)) > 0


def test_the_smallest_world_there_is() -> None:
    embeddings = learn(encoded([[0, 1]], [0]), n_items=2, n_users=1)
    assert np.isfinite(embeddings.item_p).all()


def test_without_any_pair_there_is_nothing_to_learn() -> None:
    with pytest.raises(TrainingError, match="two items or more"):
        learn(encoded([[0], [1]], [0, 1]), n_items=2, n_users=2)


def test_a_learning_rate_that_explodes_stops_the_training() -> None:
    with pytest.raises(TrainingError, match=r"(item_p|item_q|user_h): .*NaN.*learning rate"):
        learn(two_aisles(), learning_rate=1e30)
