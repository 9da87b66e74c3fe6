"""The slice that chooses, and how it chooses."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np
import pytest

from index_builder.evaluation.baselines.tuning import Slice, last_days
from index_builder.measuring.scorer import Scorer
from tests.data.encoded import trained
from tests.data.held_out import basket

EPOCH = datetime.fromisoformat("1970-01-01")
DAY = 86_400


def one_a_day(days: int, users: int = 1) -> Slice:
    """Basket d, begun on day d, holds items 5 d to 5 d + 4; the cut is behind day 99."""
    baskets = [list(range(5 * day, 5 * day + 5)) for day in range(days)]
    begun = [day * DAY for day in range(days)]
    shop = trained(baskets, 5 * days, [day % users for day in range(days)], begun)
    return last_days(shop, EPOCH + timedelta(days=100), seed=0)


def days_of(days: Slice) -> set[int]:
    items = np.concatenate([np.concatenate([b.given, b.targets]) for b in days.baskets])
    return {int(item) // 5 for item in items}


@pytest.mark.parametrize("days", [100, 101, 130])
def test_nothing_at_or_after_the_cut_is_in_it(days: int) -> None:
    # A fifth of 100 days. What came before is the past, and the rest is nowhere.
    parts = one_a_day(days)
    assert days_of(parts) == set(range(80, 100))
    assert parts.past.n_baskets == 80
    assert parts.past.basket_begun.max() < 80 * DAY
    assert parts.past.item_count.tolist() == [1] * 400 + [0] * (5 * days - 400)
    assert parts.past.n_items == 5 * days


def test_a_long_record_spares_thirty_days() -> None:
    baskets = [list(range(5)) for _ in range(400)]
    shop = trained(baskets, 5, begun=[day * DAY for day in range(400)])
    parts = last_days(shop, EPOCH + timedelta(days=400), seed=0)
    assert len(parts.baskets) == 30
    assert parts.past.n_baskets == 370


def test_users_without_a_past_are_not_asked() -> None:
    # 90 users, one basket a day: users 0 to 9 come again, on days 90 to 99.
    assert days_of(one_a_day(100, users=90)) == set(range(90, 100))


def test_guests_are_not_asked() -> None:
    # Users 0 and 1 in turn; without user 1 among the users, every other basket is a guest's.
    shop = trained([list(range(5))] * 100, 5, [day % 2 for day in range(100)])
    days = [day * DAY for day in range(100)]
    shop = replace(shop, user_ids=["u0"], basket_begun=np.array(days))
    parts = last_days(shop, EPOCH + timedelta(days=100), seed=0)
    assert {each.user for each in parts.baskets} == {0}
    assert len(parts.baskets) == 10
    assert parts.past.n_baskets == 80


def finds(*items: int) -> Scorer:
    """A scorer for 100 items that has these in front."""
    scores = np.zeros(100, np.float32)
    scores[list(items)] = 1
    return lambda _: scores


def test_the_value_with_the_highest_recall_is_the_best_and_of_equals_the_first() -> None:
    baskets = [basket([0], targets=(60,)), basket([1], targets=(70,))] * 20
    parts = Slice(trained([list(range(100))], 100), baskets)
    scorers = {"none": finds(), "one": finds(60), "other": finds(70), "both": finds(70, 60)}
    assert parts.best(["none", "one", "other"], scorers.__getitem__) == "one"
    assert parts.best(["one", "both", "other"], scorers.__getitem__) == "both"


def test_settings_one_by_one() -> None:
    tried = []

    def fit(first: float, second: float) -> Scorer:
        tried.append((first, second))
        return finds(*([60] if first == 2 else []), *([70] if second == 5 else []))

    parts = Slice(
        trained([list(range(100))], 100),
        [basket([0], targets=(60,)), basket([1], targets=(70,))] * 20,
    )
    chosen = parts.one_by_one({"first": (1, 2, 3), "second": (4, 5)}, fit)
    assert chosen == {"first": 2, "second": 5}
    assert tried == [(1, 4), (2, 4), (3, 4), (2, 5)]  # (2, 4) is known by then
    assert parts.one_by_one({"first": (1, 3), "second": (6, 4)}, fit) == {"first": 1, "second": 6}


def test_too_few_baskets_choose_nothing() -> None:
    def fit(_: str) -> Scorer:
        raise AssertionError("there is nothing to try it on")

    parts = Slice(trained([[0, 1]], 2), [basket([0], targets=(1,))] * 29)
    assert parts.best(["default", "other"], fit) == "default"
    assert parts.one_by_one({"": (1, 2)}, fit) == {"": 1}


def test_the_most_popular_items_alone() -> None:
    past = trained([[0, 4], [1, 2, 3], [3], [0, 2]], 5, users=[0, 1, 1, 0])
    baskets = [
        basket([0, 3], targets=(1, 4)),
        basket([3, 1], user=1, targets=(2,)),
        basket([0, 1], targets=(3,)),  # has nothing to be found any more
    ]
    few = Slice(past, baskets).most_popular(3)
    assert few.past.n_items == len(few.past.item_count) == 3
    assert few.past.basket_items.tolist() == [0, 1, 2, 0, 2]
    assert few.past.basket_indptr.tolist() == [0, 1, 3, 3, 5]
    assert [(b.user, b.given.tolist(), b.targets.tolist()) for b in few.baskets] == [
        (0, [0], [1]),
        (1, [1], [2]),
    ]
