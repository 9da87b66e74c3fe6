"""UP-CF, by hand and against the paper's formula in plain Python."""

from math import sqrt

import numpy as np
import pytest

from index_builder.evaluation.baselines.methods.up_cf import up_cf
from index_builder.measuring.scorer import top
from index_builder.transactions.encoded.encoding import EncodedTransactions
from tests.data.encoded import trained
from tests.data.held_out import basket


def test_similar_users_count_by_the_cosine() -> None:
    # User 0 has items 0 and 1, user 1 items 0 and 2 with 2 in one of two baskets, user 2 item 3.
    shop = trained([[0, 1], [0], [0, 2], [3]], 4, users=[0, 1, 1, 2])
    scores = up_cf(shop, locality=1, basket_weight=0)(basket([0], user=0))
    assert scores == pytest.approx([1 + 1 / 2, 1, 1 / 2 * 1 / 2, 0])
    scores = up_cf(shop, locality=3, basket_weight=0)(basket([0], user=0))
    assert scores == pytest.approx([1 + 1 / 8, 1, 1 / 8 * 1 / 2, 0])


@pytest.mark.parametrize(("recent", "shares"), [(1, [0, 1]), (2, [0.5, 0.5]), (9, [0.75, 0.25])])
def test_only_the_last_baskets_count(recent: int, shares: list[float]) -> None:
    shop = trained([[0], [0], [0], [1]], 2)
    scores = up_cf(shop, recent, locality=1, basket_weight=0)(basket([]))
    assert scores == pytest.approx(shares)


def test_given_items_count_more_than_the_history() -> None:
    # The vector of user 0 with item 2 in the basket is (1, 0, 3, 0); user 1 has items 2 and 3.
    shop = trained([[0], [2, 3]], 4, users=[0, 1])
    scores = up_cf(shop, locality=1, basket_weight=3)(basket([2], user=0))
    assert scores[3] == pytest.approx(3 / (sqrt(10) * sqrt(2)))


@pytest.mark.parametrize("asymmetry", [0, 0.3, 1])
def test_the_formula_of_the_paper(asymmetry: float) -> None:
    random, n_items, n_users, recent, locality, weight = np.random.default_rng(3), 9, 6, 4, 2, 1.5
    users = [*range(n_users), *random.integers(0, n_users, 40).tolist()]
    baskets = [set(random.choice(n_items, random.integers(1, 5)).tolist()) for _ in users]
    of_user: list[list[set[int]]] = [[] for _ in range(n_users)]
    for user, items in zip(users, baskets, strict=True):
        of_user[user].append(items)
    bought = [set[int]().union(*past) for past in of_user]

    scorer = up_cf(
        trained([sorted(items) for items in baskets], n_items, users),
        recent, asymmetry, locality, weight,
    )  # fmt: skip
    for user in range(n_users):
        given = {user, 8}
        taste = {i: (i in bought[user]) + weight * (i in given) for i in bought[user] | given}
        wanted = np.zeros(n_items)
        for other, past in enumerate(of_user):
            common = sum(taste.get(i, 0) for i in bought[other])
            norm = sum(x**2 for x in taste.values()) ** asymmetry
            similarity = (common / (norm * len(bought[other]) ** (1 - asymmetry))) ** locality
            for item in range(n_items):
                shares = [item in items for items in past[-recent:]]
                wanted[item] += similarity * sum(shares) / len(shares)
        assert scorer(basket(sorted(given), user)) == pytest.approx(wanted, rel=1e-5)


def test_aisles_do_not_mix(aisles: EncodedTransactions) -> None:
    rank = top(up_cf(aisles))
    for item in range(aisles.n_items):
        assert all(other % 2 == item % 2 for other in rank(basket([item], user=item % 2))[:5])
