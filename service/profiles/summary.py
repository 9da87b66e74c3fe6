"""The summary of a user's profile, for people to read."""

from collections import Counter
from typing import NamedTuple

import numpy as np

from service.bundle.catalogue import Catalogue
from service.profiles.profile import Profile
from service.support.arrays.array_types import Bool

_BEGUN_LIMIT = 500
_ITEMS_LIMIT = 24


class LastItem(NamedTuple):
    """An item that the user bought: its index, in how many baskets, and the last time."""

    item_index: int
    times: int
    bought: int


class UserSummary(NamedTuple):
    """What a user bought of the catalogue's items.

    Attributes:
        baskets: number of past baskets; None if the bundle has none (one without a ranker).
        first_purchase: epoch seconds; None if `baskets` is None.
        last_purchase: epoch seconds.
        begun: epoch seconds of the latest baskets, at most 500, oldest first.
        last_items: at most 24 items, those bought last first; of one basket, the most bought first.
        categories: purchases by category, most first; an item counts once for each basket.
    """

    baskets: int | None
    first_purchase: int | None
    last_purchase: int
    begun: list[int]
    last_items: list[LastItem]
    categories: dict[str, int]


def summarise(profile: Profile, catalogue: Catalogue, shown: Bool | None = None) -> UserSummary:
    """Sums up a profile.

    Args:
        profile: of the user.
        catalogue: of the bundle.
        shown: (n_items,) which items may be among the last ones; None for all.
    """
    counts: Counter[str] = Counter()
    for item, count in zip(profile.items.tolist(), profile.counts.tolist(), strict=True):
        counts[catalogue.categories[item]] += count
    by_count = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    begun = profile.past_begun
    return UserSummary(
        baskets=len(begun) or None,
        first_purchase=int(begun[0]) if len(begun) else None,
        last_purchase=int(profile.last.max()),
        begun=begun[-_BEGUN_LIMIT:].tolist(),
        last_items=_last_items(profile, shown),
        categories=dict(by_count),
    )


def _last_items(profile: Profile, shown: Bool | None) -> list[LastItem]:
    order = np.lexsort((profile.items, -profile.counts, -profile.last))
    if shown is not None:
        order = order[shown[profile.items[order]]]
    columns = (profile.items, profile.counts, profile.last)
    latest = (column[order[:_ITEMS_LIMIT]].tolist() for column in columns)
    return list(map(LastItem, *latest))
