"""Lessons of the basket score: real baskets and corrupted ones, as the service sees them."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from index_builder.basket_score.corruption import Corruption, whole
from index_builder.config import ScoreConfig
from index_builder.transactions.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.profiles.profile import Profiles
from service.recommending.basket_score.evidence import BasketEvidence
from service.support.array_types import Bool, Float32, Int32, Int64

__all__ = ["Kind", "ScoreLessons", "score_lessons"]


class Kind(IntEnum):
    """What a basket is."""

    REAL = 0
    FOREIGN = 1  # another household's
    SWAPPED = 2  # some items replaced


@dataclass(frozen=True)
class ScoreLessons:
    """Baskets whose nature is known, one after the other.

    Attributes:
        columns: (n, len(COLUMNS)) float32, of every item, beside the shopper's profile.
        alone: (n, len(COLUMNS)) float32, the same for a stranger; of foreign baskets, zeros.
        belongs: (n,) whether the shopper bought the item in this basket.
        sizes: (b,) int64, number of items of each basket.
        kinds: (b,) int64, of `Kind`.
    """

    columns: Float32
    alone: Float32
    belongs: Bool
    sizes: Int64
    kinds: Int64


def score_lessons(
    bundle: Bundle, baskets: Sequence[HeldOut], config: ScoreConfig, seed: int
) -> ScoreLessons | None:
    """Each basket three times: as it is, as another household's, and with items swapped.

    Args:
        bundle: fitted on what came before all of the baskets.
        baskets: held-out baskets of one stretch of time.
        config: how many are learned from, and which share of them only in part.
        seed: decides what is random.

    Returns:
        The lessons; None if all baskets are one user's.
    """
    random = np.random.default_rng(seed)
    corruption = Corruption(baskets, len(bundle.catalogue), random)
    evidence, profiles = BasketEvidence(bundle), Profiles(bundle)
    columns, alone, belongs, kinds = [], [], [], []
    for basket in baskets[: config.window_baskets]:
        items = _some(whole(basket), config, random)
        foreign = corruption.foreign(basket.user, len(items))
        if foreign is None:
            return None
        swapped, kept = corruption.swapped(items, _how_many(len(items), random))
        profile = profiles.get(bundle.user_ids[basket.user])
        for kind, seen, own in (
            (Kind.REAL, items, np.ones(len(items), np.bool_)),
            (Kind.FOREIGN, foreign, np.zeros(len(foreign), np.bool_)),
            (Kind.SWAPPED, swapped, kept),
        ):
            known = evidence.columns(profile, seen)
            columns.append(known)
            anybodys = kind is Kind.FOREIGN
            alone.append(np.zeros_like(known) if anybodys else evidence.columns(None, seen))
            belongs.append(own)
            kinds.append(kind)
    return ScoreLessons(
        np.concatenate(columns),
        np.concatenate(alone),
        np.concatenate(belongs),
        np.array([len(own) for own in belongs]),
        np.array(kinds, np.int64),
    )


def _some(items: Int32, config: ScoreConfig, random: np.random.Generator) -> Int32:
    """The basket, or what it held while it was still being filled."""
    if random.random() >= config.partial_share:
        return items
    return np.sort(random.permutation(items)[: random.integers(1, len(items) + 1)])


def _how_many(size: int, random: np.random.Generator) -> int:
    """Half of the items; every other time, any number from one to all."""
    half = bool(random.integers(2))
    return max(1, round(size / 2)) if half else int(random.integers(1, size + 1))
