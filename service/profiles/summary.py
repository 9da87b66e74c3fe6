"""The summary of a user's profile, for people to read."""

from collections import Counter
from typing import NamedTuple

from service.bundle.catalogue import Catalogue
from service.profiles.profile import Profile


class UserSummary(NamedTuple):
    """What a user bought of the catalogue's items.

    Attributes:
        baskets: number of past baskets; None if the bundle has none (one without a ranker).
        first_purchase: epoch seconds; None if `baskets` is None.
        last_purchase: epoch seconds.
        categories: purchases by category, most first; an item counts once for each basket.
    """

    baskets: int | None
    first_purchase: int | None
    last_purchase: int
    categories: dict[str, int]


def summarise(profile: Profile, catalogue: Catalogue) -> UserSummary:
    """Sums up a profile."""
    counts: Counter[str] = Counter()
    for item, count in zip(profile.items.tolist(), profile.counts.tolist(), strict=True):
        counts[catalogue.categories[item]] += count
    by_count = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    begun = profile.past_begun
    return UserSummary(
        baskets=len(begun) or None,
        first_purchase=int(begun[0]) if len(begun) else None,
        last_purchase=int(profile.last.max()),
        categories=dict(by_count),
    )
