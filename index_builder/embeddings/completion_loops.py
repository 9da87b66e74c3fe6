"""The compiled loops of basket completion; its matrix products are NumPy's.

The rows of a mini-batch stand in one table: first those that a basket is completed from, the
choices, then those of given items that are not among them. A place is a row of that table.
"""

import numpy as np

from service.support.arrays.array_types import Bool, Float32, Int32, Int64
from service.support.compiled.compilation import compiled
from service.support.durations import DAY_S

_FAST = {"reassoc", "contract", "nsz"}
_HALF_LIFE_S = 60.0 * DAY_S  # of the habit, as a user's recency has it by default
_MOST_PAST_BASKETS = 150  # that a habit is made from, the latest ones
_SCALE = np.float32(30)  # as in `service.recommending.aggregate`
_FIRST_DECAY = np.float32(0.9)
_SECOND_DECAY = np.float32(0.999)
_EPSILON = np.float32(1e-8)


@compiled(dimensions={"habit": 2}, written={"habit"})
def add_habit(
    baskets: Int64,
    indptr: Int64,
    items: Int32,
    basket_user: Int32,
    begun: Int64,
    user_indptr: Int64,
    user_basket: Int64,
    order_in_user: Int64,
    place_of: Int32,
    habit: Float32,
) -> None:
    """Writes log(1 + 30 · recency frequency) of what users bought before these baskets.

    Args:
        baskets: (b,) indices of baskets.
        indptr: (n_baskets + 1,) offsets into `items`.
        items: of all baskets.
        basket_user: (n_baskets,) user of each basket.
        begun: (n_baskets,) epoch seconds.
        user_indptr: (n_users + 1,) offsets into `user_basket`.
        user_basket: (n_baskets,) the baskets of each user, oldest first.
        order_in_user: (n_baskets,) how many baskets of the same user came before.
        place_of: (n_items,) the place of an item; places that `habit` lacks are passed over.
        habit: (b, choices) zeros; receives the values.
    """
    choices = habit.shape[1]
    for row in range(len(baskets)):
        basket = baskets[row]
        start = user_indptr[basket_user[basket]]
        stop = start + order_in_user[basket]
        first = max(start, stop - _MOST_PAST_BASKETS)
        total = np.float32(0)
        for at in range(first, stop):
            past = user_basket[at]
            weight = np.float32(0.5 ** ((begun[basket] - begun[past]) / _HALF_LIFE_S))
            total += weight
            for line in range(indptr[past], indptr[past + 1]):
                place = place_of[items[line]]
                if 0 <= place < choices:
                    habit[row, place] += weight
        if total > 0:
            for at in range(first, stop):
                past = user_basket[at]
                for line in range(indptr[past], indptr[past + 1]):
                    place = place_of[items[line]]
                    # A value that is final already has changed its sign.
                    if 0 <= place < choices and habit[row, place] > 0:
                        habit[row, place] = -np.log1p(_SCALE * habit[row, place] / total)
            for at in range(first, stop):
                past = user_basket[at]
                for line in range(indptr[past], indptr[past + 1]):
                    place = place_of[items[line]]
                    if 0 <= place < choices:
                        habit[row, place] = abs(habit[row, place])


@compiled(dimensions={"rows": 2, "given": 2}, written={"given"}, fastmath=_FAST)
def sum_given(
    places: Int32, hidden: Bool, indptr: Int64, factor: Float32, rows: Float32, given: Float32
) -> None:
    """Sums [q_i ; p_i] over the items of each basket that are not hidden, times its factor.

    Args:
        places: (n,) place of each item of each basket.
        hidden: (n,) whether it has to be found.
        indptr: (b + 1,) offsets of the baskets.
        factor: (b,)
        rows: (places, 2d) [p_i ; q_i].
        given: (b, 2d) zeros; receives the sums.
    """
    d = rows.shape[1] // 2
    for basket in range(len(factor)):
        for at in range(indptr[basket], indptr[basket + 1]):
            if not hidden[at]:
                row = places[at]
                for column in range(d):
                    given[basket, column] += factor[basket] * rows[row, d + column]
                    given[basket, d + column] += factor[basket] * rows[row, column]


@compiled(dimensions={"slope": 2, "gradient": 2}, written={"gradient"}, fastmath=_FAST)
def spread_given(
    places: Int32, hidden: Bool, indptr: Int64, factor: Float32, slope: Float32, gradient: Float32
) -> None:
    """Adds the slope of each basket's sum, (b, 2d), to the gradient of its rows, (places, 2d)."""
    d = slope.shape[1] // 2
    for basket in range(len(factor)):
        for at in range(indptr[basket], indptr[basket + 1]):
            if not hidden[at]:
                row = places[at]
                for column in range(d):
                    gradient[row, d + column] += factor[basket] * slope[basket, column]
                    gradient[row, column] += factor[basket] * slope[basket, d + column]


@compiled(dimensions={"logits": 2, "habit": 2}, written={"logits"}, fastmath=_FAST)
def softmax_slope(
    places: Int32,
    hidden: Bool,
    indptr: Int64,
    correction: Float32,
    prior: Float32,
    habit: Float32,
    logits: Float32,
) -> tuple[float, float, float]:
    """Replaces the logits of each basket by the slope of its loss.

    The loss is -log P of each hidden item, over the root of their number, where P is the softmax
    over the choices but for the given items. A choice that was sampled stands for 1 / (its
    probability) items like it; a hidden one stands for itself.

    Args:
        places: (n,) place of each item of each basket.
        hidden: (n,) whether it has to be found; at least one of each basket.
        indptr: (b + 1,) offsets of the baskets.
        correction: (choices,) -log of the probability that a choice is there.
        prior: (choices,) log popularity.
        habit: (b, choices), see `add_habit`.
        logits: (b, choices); receives the slopes.

    Returns:
        The sum of the losses, and its slopes by the weights of prior and habit.
    """
    choices = logits.shape[1]
    loss, by_prior, by_habit = 0.0, 0.0, 0.0
    for basket in range(len(indptr) - 1):
        row = logits[basket]
        count = 0
        for choice in range(choices):
            row[choice] += correction[choice]
        for at in range(indptr[basket], indptr[basket + 1]):
            if hidden[at]:
                count += 1
                row[places[at]] -= correction[places[at]]
            elif places[at] < choices:
                row[places[at]] = np.float32(-1e30)
        largest = np.float32(-1e30)
        for choice in range(choices):
            largest = max(largest, row[choice])
        share = np.float32(1 / np.sqrt(count))
        reached = 0.0
        for at in range(indptr[basket], indptr[basket + 1]):
            if hidden[at]:
                reached += row[places[at]] - largest
        total = np.float32(0)
        for choice in range(choices):
            row[choice] = np.exp(row[choice] - largest)
            total += row[choice]
        loss += share * (count * np.log(total) - reached)
        factor = share * np.float32(count) / total
        for choice in range(choices):
            row[choice] *= factor
        for at in range(indptr[basket], indptr[basket + 1]):
            if hidden[at]:
                row[places[at]] -= share
        for choice in range(choices):
            by_prior += float(row[choice] * prior[choice])
            by_habit += float(row[choice] * habit[basket, choice])
    return loss, by_prior, by_habit


@compiled(
    dimensions={"gradient": 2, "table": 2, "first": 2, "second": 2},
    written={"table", "first", "second"},
    fastmath=_FAST,
)
def step(
    rows: Int64,
    gradient: Float32,
    steps: int,
    rate: np.float32,
    decay: np.float32,
    table: Float32,
    first: Float32,
    second: Float32,
) -> None:
    """A step of Adam (Kingma and Ba, ICLR 2015) for some rows of a table; others stay.

    Args:
        rows: (r,) distinct rows.
        gradient: (r, width) of the mean loss.
        steps: number of this step, from 1 on.
        rate: the learning rate.
        decay: weight of half the squared length of a row in its loss.
        table: (n, width).
        first: (n, width) running mean of the gradient.
        second: (n, width) running mean of its square.
    """
    first_scale = np.float32(1 / (1 - _FIRST_DECAY**steps))
    second_scale = np.float32(1 / (1 - _SECOND_DECAY**steps))
    for place in range(len(rows)):
        row = rows[place]
        for column in range(table.shape[1]):
            slope = gradient[place, column] + decay * table[row, column]
            mean = _FIRST_DECAY * first[row, column] + (1 - _FIRST_DECAY) * slope
            square = _SECOND_DECAY * second[row, column] + (1 - _SECOND_DECAY) * slope * slope
            first[row, column], second[row, column] = mean, square
            table[row, column] -= (
                rate * mean * first_scale / (np.sqrt(square * second_scale) + _EPSILON)
            )
