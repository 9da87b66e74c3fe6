"""The profile of a user, and where profiles are read."""

from collections.abc import Callable
from functools import cache
from typing import NamedTuple, Protocol

import numpy as np

from service.support.arrays.array_types import Float32, Int32, Int64
from service.support.arrays.read_only import read_only


class UserBaskets(NamedTuple):
    """Baskets of one user, oldest first.

    Attributes:
        begun: (b,) int64, epoch seconds.
        indptr: (b + 1,) int64, offsets of the baskets into `lines`.
        lines: int32, their items, distinct and ascending in each basket.
    """

    begun: Int64
    indptr: Int64
    lines: Int32


class Profile(NamedTuple):
    """One user's vector and purchase history; the history's arrays share one order.

    Attributes:
        user_h: (d,) float32.
        items: (n,) int32, distinct item indices, ascending.
        counts: (n,) int32, the user's baskets with the item.
        recency: (n,) float32 in [0, 1], recency-weighted share of the user's baskets with it.
        last: (n,) int64, last purchase in epoch seconds.
        past_begun: (b,) int64, start of each past basket in epoch seconds, oldest first; empty in
            a bundle without a ranker.
        past_indptr: (b + 1,) int64, offsets of the baskets into `past_items`.
        past_items: int32, the items of all past baskets of the bundle.
        fallback: whether it is the bundle's, because the profile store or the journal failed.
    """

    user_h: Float32
    items: Int32
    counts: Int32
    recency: Float32
    last: Int64
    past_begun: Int64 = read_only(np.empty(0, np.int64))
    past_indptr: Int64 = read_only(np.zeros(1, np.int64))
    past_items: Int32 = read_only(np.empty(0, np.int32))
    fallback: bool = False

    @property
    def past(self) -> UserBaskets:
        """The past baskets."""
        return UserBaskets(self.past_begun, self.past_indptr, self.past_items)


@cache
def nobody(d: int) -> Profile:
    """The profile of a stranger: a vector of zeros, (d,), and no history."""
    none = read_only(np.empty(0, np.int32))
    never = read_only(np.empty(0, np.int64))
    numbers = read_only(np.zeros(d, np.float32))
    return Profile(numbers, none, none, numbers[:0], never)


Since = Callable[[str], int | None]
"""Gives the epoch second from which a user's purchases count, after the user was forgotten."""


def all_count(_user_id: str) -> None:
    """No user was forgotten: see `Since`."""


def begins_before(profile: Profile, moment: int) -> bool:
    """Whether a profile holds purchases from before a moment, in epoch seconds.

    Without past baskets this is told by the last purchase of each item alone.
    """
    moments = profile.past_begun if len(profile.past_begun) else profile.last
    return bool(moments.min() < moment)


class ProfileSource(Protocol):
    """A place where profiles are read."""

    def get(self, user_id: str, /) -> Profile | None:
        """Returns the user's profile; None for a user without any purchase in the catalogue."""
