"""Candidates: the items that a request comes down to before they are scored.

They are what the search found, what the user bought most of late, and, where a request names the
categories, the most popular of these: the other sources look at all items.
"""

import numba
import numpy as np

from service.profiles.profile import Profile, nobody
from service.support.arrays.array_types import Bool, Float32, Int32
from service.support.compiled.compilation import compiled, unchecked

_FIRST = np.uint32(1)


def merge(
    found: Int32, profile: Profile | None, eligible: Bool, narrowed: bool, count: int
) -> Int32:
    """The eligible items that any source brings, (n,) int32, each once, ascending.

    Args:
        found: item indices from the search, in any order, repeated or not; -1 stands for none.
        profile: the user, if known.
        eligible: (n_items,) which items may be recommended.
        narrowed: whether the request names the categories that these are of.
        count: the most items that the history brings, and as many come of the categories.
    """
    if narrowed:
        best = np.flatnonzero(eligible)[:count].astype(np.int32)
        found = np.concatenate([found, best])
    user = profile or nobody(0)
    return _merge(found, user.items, user.recency, eligible, count)


@numba.njit()
def _least_of_largest(bits: Int32, count: int) -> int:
    """The count-th largest of non-negative numbers, or -1 if there are no more than `count`.

    Found bit by bit, by counting: unlike a partition, that has no branches that depend on data.
    """
    if len(bits) <= count:
        return -1
    least = 0
    for bit in range(30, -1, -1):
        tried = least | (1 << bit)
        n = 0
        for place in range(len(bits)):  # an iteration of the array would not become vectors
            n += bits[place] >= np.int32(tried)
        if n >= count:
            least = tried
    return least


@compiled()
def _merged(found: Int32, bought: Int32, recency: Float32, eligible: Bool, count: int) -> Int32:
    """Of a history longer than `count` the most recent come, of equal ones the smaller items.

    Each item sets a bit, and the bits are read in the order of the items.
    """
    marks = np.zeros((len(eligible) + 31) // 32, np.uint32)
    for item in found:
        if item >= 0 and eligible[item]:
            marks[item >> 5] |= _FIRST << np.uint32(item & 31)
    recencies = recency.view(np.int32)  # of non-negative floats, these sort as they do
    least = _least_of_largest(recencies, count)
    room = count
    for place in range(len(recencies)):
        room -= recencies[place] > least
    for place in range(len(bought)):
        item = bought[place]
        taken = recencies[place] > least
        if recencies[place] == least and room > 0:
            taken = True
            room -= 1
        if taken and eligible[item]:
            marks[item >> 5] |= _FIRST << np.uint32(item & 31)
    items = np.empty(len(found) + len(bought), np.int32)
    n = 0
    for word in range(len(marks)):
        rest = marks[word]
        while rest != 0:
            lowest = rest & (~rest + _FIRST)
            # The place of a single bit is the exponent of the float it makes.
            items[n] = 32 * word + (np.float32(lowest).view(np.int32) >> 23) - 127
            n += 1
            rest ^= lowest
    return items[:n]


_merge = unchecked(_merged)
