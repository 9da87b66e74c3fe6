"""How adding or removing one item changes the score of a basket."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.recommending.basket_score.scorer import BasketScorer
from service.support.arrays.array_types import Int32

_BASKETS = 1000
_FAVOURITES = 5  # categories


@dataclass(frozen=True)
class Additions:
    """Shares of baskets in which a changed item moved the score as expected.

    Attributes:
        baskets: number of baskets tried.
        raised: share in which the score rises with an item that the user had bought before, from
            one of the user's five most bought categories.
        lowered: share in which the score falls with an item from a category new to the user.
        agreed: share in which removing an item changes the score in the direction that its
            contribution says.
    """

    baskets: int
    raised: float
    lowered: float
    agreed: float


def judge_additions(bundle: Bundle, baskets: Sequence[HeldOut], seed: int) -> Additions | None:
    """Adds items to baskets and removes some, drawn uniformly from the items that qualify.

    Args:
        bundle: one that can score, made from earlier transactions only.
        baskets: held-out baskets; a random thousand of them is tried.
        seed: of the choice of baskets and items.

    Returns:
        The shares; None if no basket has an item of every sort.
    """
    random = np.random.default_rng(seed)
    scorer, profiles = BasketScorer(bundle), BundleProfiles(bundle)
    categories = bundle.catalogue.taxonomy.category.codes_of_all()
    moves = []
    for place in random.permutation(len(baskets))[:_BASKETS].tolist():
        items = baskets[place].items
        profile = profiles.get(bundle.user_ids[baskets[place].user])
        if profile is None or len(items) < 2:  # a single item cannot be removed
            continue
        favoured, foreign = _to_add(profile, items, categories)
        if len(favoured) and len(foreign):
            contributions = scorer.contributions(profile, items)
            taken = int(random.integers(len(items)))
            tried = (
                np.append(items, random.choice(favoured)),
                np.append(items, random.choice(foreign)),
                np.delete(items, taken),
            )
            before = scorer.personal.log_odds(contributions)
            more, less, without = (_log_odds(scorer, profile, each) - before for each in tried)
            moves.append((more > 0, less < 0, contributions[taken] * without < 0))
    if not moves:
        return None
    raised, lowered, agreed = np.mean(moves, axis=0)
    return Additions(len(moves), float(raised), float(lowered), float(agreed))


def _to_add(profile: Profile, items: Int32, categories: Int32) -> tuple[Int32, Int32]:
    """Bought items of the favourite categories and all items of categories never bought."""
    bought = np.bincount(categories[profile.items], profile.counts, categories.max() + 1)
    favourites = np.argsort(-bought, kind="stable")[:_FAVOURITES]
    favoured = profile.items[np.isin(categories[profile.items], favourites)]
    foreign = np.flatnonzero(bought[categories] == 0).astype(np.int32)
    return np.setdiff1d(favoured, items), np.setdiff1d(foreign, items)


def _log_odds(scorer: BasketScorer, profile: Profile, items: Int32) -> float:
    return scorer.personal.log_odds(scorer.contributions(profile, np.sort(items)))
