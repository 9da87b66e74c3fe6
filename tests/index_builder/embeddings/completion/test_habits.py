"""Habits, in a world of four baskets."""

from math import log

import numpy as np
import pytest

from index_builder.embeddings.completion.habits import Habits
from service.support.durations import DAY_S
from tests.data.encoded import encoded

EVERY_ITEM = [0, 1, 2, 3, 4]


def habit_before(basket: int, columns: list[int], n_users: int = 2) -> list[float]:
    """Of user 0, who buys at day 0, 60 and 120, and of user 1 between them."""
    world = encoded(
        [[0, 1], [0, 3], [2, 3], [0, 2]],
        users=[0, 0, 1, 0],
        begun=[0, 60 * DAY_S, 90 * DAY_S, 120 * DAY_S],
    )
    place_of = np.full(len(EVERY_ITEM), -1, np.int32)
    place_of[columns] = np.arange(len(columns))
    habits = Habits.of(world, n_users).before(np.array([basket]), place_of, len(columns))
    values: list[float] = habits[0].tolist()
    return values


def test_a_habit_is_what_the_user_bought_before_halved_every_60_days() -> None:
    # On day 120 the baskets of day 0 and 60 weigh 1/4 and 1/2, together 3/4.
    wanted = [log(1 + 30 * share) for share in (1, 1 / 3, 0, 2 / 3, 0)]
    assert habit_before(3, EVERY_ITEM) == pytest.approx(wanted, rel=1e-5)
    assert habit_before(3, [3, 1]) == pytest.approx([wanted[3], wanted[1]], rel=1e-5)


@pytest.mark.parametrize("basket", [0, 2])
def test_a_first_basket_has_no_habit(basket: int) -> None:
    assert habit_before(basket, EVERY_ITEM) == [0] * 5


@pytest.mark.parametrize("basket", [0, 1, 2, 3])
def test_guests_have_no_habit(basket: int) -> None:
    assert habit_before(basket, EVERY_ITEM, n_users=0) == [0] * 5


def test_items_beyond_the_columns_are_passed_over() -> None:
    # Places after the choices are those of given items, which need no habit.
    world = encoded([[0, 1], [0, 1]], users=[0, 0])
    place_of = np.array([0, 1], np.int32)
    habit = Habits.of(world, 1).before(np.array([1, 0]), place_of, n_places=1)
    assert habit[:, 0].tolist() == pytest.approx([log(31), 0], rel=1e-5)


def test_a_habit_is_made_from_the_last_150_baskets() -> None:
    world = encoded([[0]] + [[1]] * 151, users=[0] * 152, begun=[0] * 152)
    habits = Habits.of(world, 1)
    place_of = np.arange(2, dtype=np.int32)
    at_150, at_151 = habits.before(np.array([150, 151]), place_of, 2)
    assert at_150 == pytest.approx([log(1 + 30 / 150), log(1 + 30 * 149 / 150)], rel=1e-4)
    assert at_151 == pytest.approx([0, log(31)], rel=1e-4)
