"""Eligibility: which items may be in an answer.

Whatever gives items to a client, on whichever route, is given this mask and keeps to it.
"""

from collections.abc import Collection
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from service.bundle.catalogue import Catalogue
from service.profiles.profile import Profile
from service.recommending.request import RecommendRequest
from service.support.arrays.array_types import Bool, Float32, Int32
from service.support.arrays.read_only import read_only
from service.support.durations import DAY_S

if TYPE_CHECKING:
    from service.business_rules.planning.plan import Plan

EVER = float("inf")
"""As a number of days: for ever."""


def eligible_items(
    catalogue: Catalogue,
    given: Int32,
    exclude_items: Collection[str] = (),
    exclude_categories: Collection[str] = (),
    include_categories: Collection[str] = (),
    allowed: Bool | None = None,
) -> Bool:
    """Which items may be in an answer, shape (n_items,).

    Args:
        catalogue: of the bundle.
        given: item indices that the request names, such as those of its basket.
        exclude_items: item ids to leave out; unknown ones leave nothing out.
        exclude_categories: names to leave out, of any taxonomy level.
        include_categories: names of which all items have to be; none of them means no limit.
        allowed: (n_items,) what business rules and stock allow; None for everything.
    """
    eligible = (_all_items(len(catalogue)) if allowed is None else allowed).copy()
    if include_categories:
        included = np.zeros(len(catalogue), np.bool_)
        for members in catalogue.look_up_categories(include_categories)[0]:
            included[members] = True
        eligible &= included
    eligible[given] = False
    if exclude_items:
        eligible[catalogue.look_up(exclude_items)[0]] = False
    if exclude_categories:
        for members in catalogue.look_up_categories(exclude_categories)[0]:
            eligible[members] = False
    return eligible


@cache
def _all_items(n: int) -> Bool:
    """All of n items: a copy is made in half the time of new ones."""
    return read_only(np.ones(n, np.bool_))


def purchased_items(profile: Profile, days: float | Float32, now: float) -> Int32:
    """The items that a user bought within the last days, (n,) int32.

    Args:
        profile: of the user.
        days: of all items, or (n_items,) of each; 0 for items that may be bought again at once.
        now: epoch seconds.
    """
    within = days if isinstance(days, float | int) else days[profile.items]
    bought: Int32 = profile.items[(now - profile.last <= within * DAY_S) & (within > 0)]
    return bought


def eligible_for(
    request: RecommendRequest,
    catalogue: Catalogue,
    given: Int32,
    profile: Profile | None,
    plan: "Plan | None",
    now: float,
) -> Bool:
    """Which items may be recommended, shape (n_items,).

    Args:
        request: what it leaves out.
        catalogue: of the bundle.
        given: item indices of the request's basket.
        profile: of the user, if known.
        plan: the business rules in force, if there are any.
        now: epoch seconds.
    """
    named = request.exclude_items, request.exclude_categories, request.include_categories
    eligible = eligible_items(catalogue, given, *named, None if plan is None else plan.allowed)
    if profile is not None and (days := _days_left_out(request, plan)) is not None:
        eligible[purchased_items(profile, days, now)] = False
    return eligible


def _days_left_out(request: RecommendRequest, plan: "Plan | None") -> float | Float32 | None:
    """For how many days items are left out after a purchase: all items, or each; None for none."""
    match request.exclude_purchased:
        case None:
            return None if plan is None else plan.purchased_days
        case bool(wanted):
            return EVER if wanted else None
        case days:
            return days
