"""Ranking by score, ties by index, as one sort of integers.

A float32 score and an index fit one int64 *key* whose ascending order is the ranking: the best
score first, the smaller index first where scores are equal. NumPy sorts and partitions integers
with vector instructions, which a compiled loop with its branches on data would not; and a partition
of keys, unlike one of scores, also knows which of two equal scores comes first.
"""

from typing import Annotated

import numba
import numpy as np

from service.support.arrays.array_types import Float32, Int32, Int64, Positions
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout

_MAGNITUDE = np.int32(0x7FFFFFFF)
_INDEX = np.int64(0xFFFFFFFF)

_DIGITS, _DIGIT_BITS = 4, 8  # of a score's order
_VALUES = 1 << _DIGIT_BITS  # of a digit


@compiled()
def rank_key(score: np.float32, index: int) -> np.int64:
    """The score's order, reversed, in the high bits, the index in the low ones.

    The bits of a float sort like those of an integer, only that negative floats sort backwards.
    """
    bits = np.float32(score + np.float32(0)).view(np.int32)  # adding 0 makes -0 and 0 tie
    order = bits ^ ((bits >> np.int32(31)) & _MAGNITUDE)
    return np.int64(~order) << np.int64(32) | (np.int64(index) & _INDEX)


def best_keys(keys: Int64, k: int) -> Int64:
    """The k best keys of the last axis, in any order; all of them if there are no more."""
    return np.partition(keys, k - 1)[..., :k] if k < keys.shape[-1] else keys


def indices_of(keys: Int64) -> Int64:
    """The indices in the keys, which must not be negative."""
    return keys & _INDEX


@compiled()
def unpack(keys: Annotated[Int64, Layout(axes=2)]) -> tuple[Float32, Int32]:
    """The scores and the indices in keys of shape (n, c); the inverse of `rank_key`."""
    order = np.empty(keys.shape, np.int32)
    indices = np.empty(keys.shape, np.int32)
    for line in range(keys.shape[0]):
        for place in range(keys.shape[1]):
            key = keys[line, place]
            bits = np.int32(~(key >> 32))
            order[line, place] = bits ^ ((bits >> np.int32(31)) & _MAGNITUDE)
            indices[line, place] = np.int32(key & _INDEX)
    return order.view(np.float32), indices


@numba.njit()
def best_first(scores: Float32) -> Positions:
    """The places of scores, the best first, of equal scores the smaller place first.

    Sorted digit by digit, by counting: unlike a sort that compares, that has no branches that
    depend on data.
    """
    n = len(scores)
    digits, counts = np.empty((n, _DIGITS), np.uint8), np.zeros((_DIGITS, _VALUES), np.intp)
    for at in range(n):
        order = np.uint64((rank_key(scores[at], 0) >> 32) + (1 << 31))
        for digit in range(_DIGITS):
            value = (order >> np.uint64(_DIGIT_BITS * digit)) & np.uint64(_VALUES - 1)
            digits[at, digit] = value
            counts[digit, value] += 1
    places, sorted_places = np.arange(n), np.empty(n, np.intp)
    for digit in range(_DIGITS):
        begin = 0
        for other in range(_VALUES):
            begin, counts[digit, other] = begin + int(counts[digit, other]), begin
        for place in places:
            value = digits[place, digit]
            sorted_places[counts[digit, value]] = place
            counts[digit, value] += 1
        places, sorted_places = sorted_places, places
    return places
