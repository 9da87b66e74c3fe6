"""Queries of the index: one for each anchor, or their mean (Eq. 4 of the RTT2Vec paper).

An anchor's part of its query is multiplied by n^(1 - basket exponent), for n anchors, so that the
mean of the queries has the sum over the anchors divided by n^(basket exponent).
"""

from typing import Annotated

import numpy as np

from service.recommending.weights import Weights
from service.support.arrays.array_types import Float32, Int32
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout


def build_queries(
    item_vectors: Float32, anchors: Int32, user_h: Float32 | None, weights: Weights
) -> Float32:
    """One query [q_i + h_u ; p_i + h_u ; prior weight] per anchor; [h_u ; h_u ; …] without any.

    Args:
        item_vectors: (n_items, 2d + 1) float32, [item_p | item_q | log popularity].
        anchors: (a,) int32.
        user_h: (d,) float32, or None for an unknown user.
        weights: those of the user and popularity parts go into the query, and the exponent.

    Returns:
        (max(a, 1), 2d + 1) float32, ready for the index.
    """
    d = item_vectors.shape[1] // 2
    queries = np.zeros((max(len(anchors), 1), 2 * d + 1), np.float32)
    if len(anchors):
        factor = np.float32(len(anchors) ** (1 - weights.basket_exponent))
        queries[:, : 2 * d] = factor * swapped(item_vectors, anchors)
    if user_h is not None:
        queries[:, : 2 * d] += np.float32(weights.user) * np.tile(user_h, 2)
    queries[:, 2 * d] = weights.popularity
    return queries


def mean_query(
    item_vectors: Float32, anchors: Int32, user_h: Float32 | None, weights: Weights
) -> Float32:
    """The mean of `build_queries`, (1, 2d + 1) float32: Eq. 4 is linear in the query."""
    d = item_vectors.shape[1] // 2
    query = np.empty((1, 2 * d + 1), np.float32)
    query[0, : 2 * d] = sum_of_swapped(item_vectors, anchors, weights.basket_exponent)
    if user_h is not None:
        query[:, : 2 * d].reshape(2, d)[:] += np.float32(weights.user) * user_h
    query[0, 2 * d] = weights.popularity
    return query


def swapped(item_vectors: Float32, anchors: Int32) -> Float32:
    """[q_i ; p_i] of every anchor, (a, 2d)."""
    d = item_vectors.shape[1] // 2
    rows = item_vectors[anchors]
    return np.concatenate([rows[:, d : 2 * d], rows[:, :d]], axis=1)


@compiled()
def sum_of_swapped(
    item_vectors: Annotated[Float32, Layout(axes=2)], anchors: Int32, exponent: float
) -> Float32:
    """The sum of [q_i ; p_i] over n anchors, divided by n^exponent, (2d,); zero without any.

    Args:
        item_vectors: (n_items, 2d + 1), [p_i ; q_i ; prior].
        anchors: (a,) items.
        exponent: 1 makes it the mean.
    """
    width = item_vectors.shape[1] - 1
    d = width // 2
    total = np.zeros(width, np.float32)
    for anchor in anchors:
        for column in range(d):
            total[column] += item_vectors[anchor, d + column]
            total[d + column] += item_vectors[anchor, column]
    divisor = np.float32(max(1, len(anchors)) ** exponent)
    for column in range(width):
        total[column] /= divisor
    return total
