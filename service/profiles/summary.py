"""What is known about one shopper, summed up for people: the profile that the score goes by."""

from collections import Counter
from typing import NamedTuple

from service.bundle.catalogue import Catalogue
from service.profiles.profile import Profile

__all__ = ["ShopperSummary", "summarise"]


class ShopperSummary(NamedTuple):
    """A shopper's record, as far as it is of catalogue items.

    Attributes:
        baskets: how many; None in a bundle that keeps none (one without a ranker).
        first_purchase: epoch seconds; None where `baskets` is.
        last_purchase: epoch seconds.
        categories: purchases by category, most first; an item counts once for each basket.
    """

    baskets: int | None
    first_purchase: int | None
    last_purchase: int
    categories: dict[str, int]


def summarise(profile: Profile, catalogue: Catalogue) -> ShopperSummary:
    """Sums up a profile."""
    counts: Counter[str] = Counter()
    for item, count in zip(profile.items.tolist(), profile.counts.tolist(), strict=True):
        counts[catalogue.categories[item]] += count
    by_count = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    begun = profile.past_begun
    return ShopperSummary(
        baskets=len(begun) or None,
        first_purchase=int(begun[0]) if len(begun) else None,
        last_purchase=int(profile.last.max()),
        categories=dict(by_count),
    )
