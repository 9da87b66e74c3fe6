"""TIFU-KNN, by hand and against the paper's formulas in plain Python."""

from typing import NamedTuple

import numpy as np
import pytest

from index_builder.evaluation.baselines.methods.tifu_knn import basket_weights, tifu_knn
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained
from tests.data.held_out import basket


def test_five_baskets_in_groups_of_two() -> None:
    # From the oldest: a group of one, then two groups of two. Three groups, each a third.
    weights = basket_weights(np.zeros(5, np.int32), 2, 0.9, 0.7)
    oldest, middle, latest = 0.7**2 / 3, 0.7 / 2 / 3, 1 / 2 / 3
    assert weights == pytest.approx([oldest, middle * 0.9, middle, latest * 0.9, latest])


def test_every_user_has_groups_of_their_own() -> None:
    users = np.array([0, 1, 0, 1, 1], np.int32)
    weights = basket_weights(users, 2, 0.5, 0.1)
    assert weights == pytest.approx([1 / 4, 0.1 / 2, 1 / 2, 1 / 8, 1 / 4])


def test_the_nearest_users_vote_beside_the_users_own_items() -> None:
    # Users 0 and 1 bought the same; user 1 bought item 2, too, and user 2 something else.
    shop = trained([[0, 1], [0, 1, 2], [3]], 5, users=[0, 1, 2])
    scorer = tifu_knn(shop, neighbours=2, own_share=0.6, basket_weight=0.5)
    # The nearest to (1, 1, 0, 0, 0) are users 0 and 1, whose mean is (1, 1, .5, 0, 0).
    assert scorer(basket([4], user=0)) == pytest.approx([1, 1, 0.4 * 0.5, 0, 0.6 * 0.5])


def test_the_present_basket_chooses_the_neighbours() -> None:
    shop = trained([[0], [1, 3], [2, 4]], 5, users=[0, 1, 2])
    scorer = tifu_knn(shop, neighbours=1, own_share=0.5, basket_weight=3)
    assert scorer(basket([1], user=0))[[3, 4]].tolist() == [0.5, 0]
    assert scorer(basket([2], user=0))[[3, 4]].tolist() == [0, 0.5]


def test_who_bought_nothing_is_nobodys_neighbour() -> None:
    # User 1 bought nothing; an empty vector would be nearer to user 0 than that of user 2.
    shop = trained([[0], [1, 2, 3, 4]], 5, users=[0, 2])
    scores = tifu_knn(shop, neighbours=2, own_share=0)(basket([0], user=0))
    assert scores.tolist() == [0.5, 0.5, 0.5, 0.5, 0.5]
    assert (tifu_knn(shop, neighbours=9, own_share=0)(basket([0], user=0)) == scores).all()


class Settings(NamedTuple):
    group_size: int
    basket_decay: float
    group_decay: float
    neighbours: int
    own_share: float
    basket_weight: float


@pytest.mark.parametrize(
    "settings", [Settings(3, 0.8, 0.6, 3, 0.7, 0.3), Settings(2, 1, 0.9, 2, 0.2, 2)]
)
def test_the_formulas_of_the_paper(settings: Settings) -> None:
    random, n_items, n_users = np.random.default_rng(2), 9, 6
    users = [*range(n_users), *random.integers(0, n_users, 40).tolist()]
    baskets = [random.choice(n_items, random.integers(1, 5), replace=False) for _ in users]
    vectors = []
    for user in range(n_users):
        past = []
        for owner, items in zip(users, baskets, strict=True):
            if owner == user:
                past.append(np.isin(np.arange(n_items), items).astype(float))
        groups = []
        while past:
            latest, past = past[-settings.group_size :], past[: -settings.group_size]
            decayed = [b * settings.basket_decay**age for age, b in enumerate(reversed(latest))]
            groups.append(sum(decayed) / len(latest))
        decayed = [group * settings.group_decay**age for age, group in enumerate(groups)]
        vectors.append(sum(decayed) / len(groups))

    scorer = tifu_knn(
        trained([items.tolist() for items in baskets], n_items, users), **settings._asdict()
    )
    for user in range(n_users):
        given = [user, 8]
        query = np.array(vectors[user])
        query[given] += settings.basket_weight
        nearest = sorted(vectors, key=lambda other: float(np.linalg.norm(other - query)))
        mean = sum(nearest[: settings.neighbours]) / settings.neighbours
        wanted = settings.own_share * query + (1 - settings.own_share) * mean
        assert scorer(basket(given, user)) == pytest.approx(wanted, abs=1e-5)


def test_aisles_do_not_mix(aisles: EncodedTransactions) -> None:
    rank = top(tifu_knn(aisles, neighbours=3))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item], user=item % 2))[:5])
