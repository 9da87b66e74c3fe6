"""The compiled loops of the model; its matrix products are NumPy's."""

from typing import Annotated

import numpy as np

from service.support.arrays.array_types import Bool, Float32, Int32, Int64
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout

_FAST = {"reassoc", "contract", "nsz"}


@compiled(fastmath=_FAST)
def add_swapped(
    source: Annotated[Float32, Layout(axes=2)],
    read: Int64,
    weight: Float32,
    written: Int64,
    sums: Annotated[Float32, Layout(axes=2, written=True)],
) -> None:
    """Adds weighted rows [a ; b] of one table to rows of another, as [b ; a].

    Args:
        source: (., 2d).
        read: (m,) row of `source`.
        weight: (m,)
        written: (m,) row of `sums`; it may come several times.
        sums: (., 2d).
    """
    d = source.shape[1] // 2
    for line in range(len(weight)):
        for column in range(d):
            sums[written[line], d + column] += weight[line] * source[read[line], column]
            sums[written[line], column] += weight[line] * source[read[line], d + column]


@compiled(fastmath=_FAST)
def softmax_slope(
    places: Int32,
    hidden: Bool,
    indptr: Int64,
    correction: Float32,
    prior: Float32,
    habit: Annotated[Float32, Layout(axes=2)],
    logits: Annotated[Float32, Layout(axes=2, written=True)],
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
        habit: (b, choices), see `Habits.before`; zeros where it is left out.
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
