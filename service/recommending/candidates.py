"""Candidates: the items that a request comes down to before they are scored.

Each source turns the context of a request into item indices; `merge` takes what all of them bring.
To add a source, write a function and name it in SOURCES; how many items it brings is an option.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from service.profiles.profile import Profile
from service.settings import RecommendOptions
from service.support.arrays.array_types import Bool, Int32
from service.support.compiled.compilation import compiled


class Context(NamedTuple):
    """What is known of a request when its candidates are collected.

    Attributes:
        found: (n,) int32, what the search brought; -1 where there is nothing more.
        profile: the user, if known.
        eligible: (n_items,) which items may be recommended.
        narrowed: whether the request names the categories that these are of.
        options: how many candidates each source brings.
    """

    found: Int32
    profile: Profile | None
    eligible: Bool
    narrowed: bool
    options: RecommendOptions


Source = Callable[[Context], Int32]
"""Item indices in any order; repeated, ineligible and -1 are allowed."""


def by_search(context: Context) -> Int32:
    """What the search found."""
    return context.found


def by_history(context: Context) -> Int32:
    """What the user bought most of late."""
    profile, count = context.profile, context.options.history_candidates
    if profile is None or not count:
        return _NONE
    if len(profile.items) <= count:
        return profile.items
    return profile.items[np.argpartition(profile.recency, -count)[-count:]]


def by_category(context: Context) -> Int32:
    """The most popular eligible ones, where few are: the other sources look at all items."""
    if not context.narrowed:
        return _NONE
    best = np.flatnonzero(context.eligible)[: context.options.history_candidates]
    return best.astype(np.int32)


SOURCES: tuple[Source, ...] = (by_search, by_history, by_category)

_NONE = np.empty(0, np.int32)


def merge(context: Context) -> Int32:
    """The eligible items that any source brings, (n,) int32, each once, ascending."""
    brought = np.concatenate([source(context) for source in SOURCES])
    return _distinct(np.sort(brought), context.eligible)


@compiled()
def _distinct(items: Int32, eligible: Bool) -> Int32:
    """The eligible ones of ascending items, each once; -1 stands for none."""
    kept = np.empty_like(items)
    n = 0
    for item in items:
        if item >= 0 and eligible[item] and (n == 0 or kept[n - 1] != item):
            kept[n] = item
            n += 1
    return kept[:n]
