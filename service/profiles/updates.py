"""Updates of profiles by purchases since the build, with the same sums as in a build.

Recency is the weight of a user's baskets with an item over the weight of all the user's baskets,
with ages counted from the last basket. A later last basket makes all old weights smaller by one
factor, so the old shares are scaled, and the weights of new baskets are added.

The user vector changes by the difference that the new baskets make to its fold-in. A user without a
vector gets the fold-in itself; a trained vector is shifted. Without past baskets in the bundle, the
fold-in of a known user cannot be computed, and the vector stays.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

import numpy as np

from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.events.journal import Purchase
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.fold_in import FoldIn, learned_by_completion
from service.profiles.profile import Profile, Since, UserBaskets, all_count
from service.support.arrays.array_types import Float32, Float64, Int32, Int64
from service.support.arrays.offsets import offsets
from service.support.durations import DAY_S
from service.support.validity import is_cancellation

_LONG_AGO = np.iinfo(np.int64).min


class ProfileUpdates:
    """Brings the profiles of a bundle up to date."""

    def __init__(self, bundle: Bundle, since: Since = all_count) -> None:
        """Prepares what all users share; `since` is as in `BundleProfiles`.

        Raises:
            BundleInvalidError: the manifest lacks the half-life of purchases.
        """
        half_life = bundle.manifest.build.get("recency_half_life_days")
        if not isinstance(half_life, int | float) or half_life <= 0:
            raise BundleInvalidError("manifest.json, build", "recency_half_life_days", half_life)
        self._as_of = bundle.manifest.cut_s
        self._profiles = BundleProfiles(bundle, since)
        self._index = bundle.catalogue.index
        self._keeps_baskets = bundle.past_indptr is not None
        self._half_life_s = half_life * DAY_S
        completion = learned_by_completion(bundle.manifest.build)
        self._fold_in = FoldIn(bundle.item_vectors, half_life, completion)

    def profile(self, user_id: str, purchases: Iterable[Purchase]) -> Profile | None:
        """The bundle's profile of a user, with purchases since; None if there are none at all."""
        profile = self._profiles.get(user_id)
        # The bundle has all purchases before its build, and later ones of users folded in since.
        since = max(self._as_of, int(profile.last.max()) + 1) if profile else self._as_of
        new = self.baskets(purchases, since)
        return self.apply(profile, new) if len(new.begun) else profile

    def baskets(self, purchases: Iterable[Purchase], since: int) -> UserBaskets:
        """The baskets of purchases, of the items in the catalogue.

        Args:
            purchases: of one user, in any order. A cancellation takes back the latest purchase of
                its item before it; it cannot take back what is in the bundle.
            since: epoch seconds; baskets that began before are left out.
        """
        begun: dict[str, int] = {}
        items: dict[str, set[int]] = {}
        for basket_id, item_id, timestamp, _ in _kept(purchases):
            begun[basket_id] = min(timestamp, begun.get(basket_id, timestamp))
            item = self._index.get(item_id)
            if item is not None:
                items.setdefault(basket_id, set()).add(item)
        kept = sorted((at, b) for b, at in begun.items() if at >= since and b in items)
        sizes = [len(items[basket_id]) for _, basket_id in kept]
        return UserBaskets(
            np.array([at for at, _ in kept], np.int64),
            offsets(sizes),
            np.array([item for _, b in kept for item in sorted(items[b])], np.int32),
        )

    def apply(self, profile: Profile | None, new: UserBaskets) -> Profile:
        """The profile with new baskets, at least one, all later than its own."""
        known = profile or _stranger(self._fold_in.dimension)
        past = known.past
        joined = _joined(past, new)
        user_h = known.user_h
        if profile is None or self._keeps_baskets:
            user_h = user_h + (self._fold_in.user_h(*joined) - self._fold_in.user_h(*past))
        kept = joined if self._keeps_baskets else past
        return Profile(user_h, *self._history(known, past, new), *kept)

    def _history(
        self, profile: Profile, past: UserBaskets, new: UserBaskets
    ) -> tuple[Int32, Int32, Float32, Int64]:
        latest = new.begun[-1]
        basket_weight = self._weight(latest - new.begun)  # (b,)
        faded = self._faded(profile, past, latest)
        line_basket = np.repeat(np.arange(len(new.begun)), np.diff(new.indptr))
        items, row = np.unique(np.concatenate([profile.items, new.lines]), return_inverse=True)
        ones = np.ones(len(new.lines), np.int32)
        weight = np.concatenate([profile.recency * faded, basket_weight[line_basket]])
        last = np.full(len(items), _LONG_AGO)
        np.maximum.at(last, row, np.concatenate([profile.last, new.begun[line_basket]]))
        counts = np.bincount(row, np.concatenate([profile.counts, ones]), len(items))
        recency = np.bincount(row, weight, len(items)) / (faded + basket_weight.sum())
        return items, counts.astype(np.int32), recency.astype(np.float32), last

    def _faded(self, profile: Profile, past: UserBaskets, latest: int) -> float:
        """The weight of all baskets of the profile, with ages from the latest new one."""
        if len(past.begun):
            return float(self._weight(latest - past.begun).sum())
        # The baskets are not known. Each item's last basket, over its share, is at most the weight
        # of all of them; it is equal for an item that was bought once.
        known = profile.recency > 0
        least = self._weight(latest - profile.last[known]) / profile.recency[known]
        return float(least.max(initial=0))

    def _weight(self, age_s: Int64) -> Float64:
        weight: Float64 = 0.5 ** (age_s / self._half_life_s)
        return weight


def _kept(purchases: Iterable[Purchase]) -> Iterator[Purchase]:
    """The purchases that were not taken back."""
    bought: dict[str, list[Purchase]] = {}
    for each in sorted(purchases, key=lambda p: (p.timestamp, is_cancellation(p.quantity))):
        of_item = bought.setdefault(each.item_id, [])
        if not is_cancellation(each.quantity):
            of_item.append(each)
        elif of_item:
            of_item.pop()
    return chain.from_iterable(bought.values())


def _stranger(dimension: int) -> Profile:
    none = np.empty(0, np.int32)
    nothing = np.empty(0, np.float32)
    return Profile(np.zeros(dimension, np.float32), none, none, nothing, np.empty(0, np.int64))


def _joined(past: UserBaskets, new: UserBaskets) -> UserBaskets:
    own = past.lines[past.indptr[0] : past.indptr[-1]]  # the array is that of all users
    indptr = past.indptr - past.indptr[0]
    return UserBaskets(
        np.concatenate([past.begun, new.begun]),
        np.concatenate([indptr, indptr[-1] + new.indptr[1:]]),
        np.concatenate([own, new.lines]),
    )
