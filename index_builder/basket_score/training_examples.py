"""Training examples of the basket score: real and corrupted baskets."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from index_builder.basket_score.corruption import Corruption
from index_builder.config import ScoreConfig
from index_builder.transactions.encoded.held_out import HeldOut
from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.recommending.basket_score.score_columns import ScoreColumns
from service.support.arrays.array_types import Bool, Float32, Int32, Int64


class BasketKind(IntEnum):
    """Whether a basket is real, and how it was corrupted if not."""

    REAL = 0
    FOREIGN = 1  # another user's
    SWAPPED = 2  # some items replaced


@dataclass(frozen=True)
class ScoreExamples:
    """Real and corrupted baskets, one after the other.

    Attributes:
        columns: (n, len(COLUMNS)) float32, of every item, with the user's profile.
        population_columns: (n, len(COLUMNS)) float32, the same without a profile; zeros
            for foreign baskets.
        bought: (n,) whether the user bought the item in this basket.
        sizes: (b,) int64, number of items of each basket.
        kinds: (b,) int64, of `BasketKind`.
    """

    columns: Float32
    population_columns: Float32
    bought: Bool
    sizes: Int64
    kinds: Int64


def score_examples(
    bundle: Bundle, baskets: Sequence[HeldOut], config: ScoreConfig, seed: int
) -> ScoreExamples | None:
    """Each basket three times: as it is, replaced by another user's, and with items swapped.

    Args:
        bundle: made from earlier transactions only.
        baskets: held-out baskets of one period.
        config: number of baskets to use, and the share of them to use in part.
        seed: of all random choices.

    Returns:
        The examples; None if all baskets are one user's.
    """
    random = np.random.default_rng(seed)
    corruption = Corruption(baskets, len(bundle.catalogue), random)
    score_columns, profiles = ScoreColumns(bundle), BundleProfiles(bundle)
    columns, population_columns, bought, kinds = [], [], [], []
    for basket in baskets[: config.window_baskets]:
        items = _some(basket.items, config, random)
        foreign = corruption.foreign(basket.user, len(items))
        if foreign is None:
            return None
        swapped, kept = corruption.swapped(items, _swap_count(len(items), random))
        profile = profiles.get(bundle.user_ids[basket.user])
        for kind, seen, seen_bought in (
            (BasketKind.REAL, items, np.ones(len(items), np.bool_)),
            (BasketKind.FOREIGN, foreign, np.zeros(len(foreign), np.bool_)),
            (BasketKind.SWAPPED, swapped, kept),
        ):
            known = score_columns.of(profile, seen)
            columns.append(known)
            unused = kind is BasketKind.FOREIGN
            population_columns.append(
                np.zeros_like(known) if unused else score_columns.of(None, seen)
            )
            bought.append(seen_bought)
            kinds.append(kind)
    return ScoreExamples(
        np.concatenate(columns),
        np.concatenate(population_columns),
        np.concatenate(bought),
        np.array([len(each) for each in bought]),
        np.array(kinds, np.int64),
    )


def _some(items: Int32, config: ScoreConfig, random: np.random.Generator) -> Int32:
    """The basket, or a random part of it: baskets are scored while they are being filled."""
    if random.random() >= config.partial_share:
        return items
    return np.sort(random.permutation(items)[: random.integers(1, len(items) + 1)])


def _swap_count(size: int, random: np.random.Generator) -> int:
    """Half of the items or, every other time, any number from one to all."""
    half = bool(random.integers(2))
    return max(1, round(size / 2)) if half else int(random.integers(1, size + 1))
