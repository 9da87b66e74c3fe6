"""The aggregator: one query per anchor goes out, one list of scored candidates comes back.

A candidate's score is the cohesion score of the basket with it (Eq. 4 of the RTT2Vec paper), with
the popularity prior and the shopper's own history beside it:

    mean over anchors of (q_i·p_j + p_i·q_j)  +  user · h_u·(p_j + q_j)
    + popularity · log pop_j  +  history · log(1 + 30 · recency_uj)

The first three terms are what the index is searched for, the fourth brings candidates of its own.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cache
from typing import Literal, NamedTuple, Self

import numpy as np

from service.bundle.arrays import needed
from service.bundle.errors import BundleInvalidError
from service.profiles.profile import Profile
from service.recommending.ranking.purchase_sums import mean_swapped, score_candidates
from service.support.array_types import Float32, Int32

__all__ = [
    "PARTS",
    "Candidates",
    "Part",
    "Weights",
    "build_queries",
    "closest_anchors",
    "mean_query",
    "merge_candidates",
    "score_parts",
]

Part = Literal["basket", "user", "popularity"]
PARTS: tuple[Part, ...] = ("basket", "user", "popularity")

# Purchases per basket at which history counts for log 2 (DESIGN section 2: found by measurement).
_RECENCY_SCALE = np.float32(30)

# What is known of a stranger.
_NOTHING = needed(np.empty(0, np.int32))
_NEVER = needed(np.empty(0, np.float32))


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the score counts, beside the basket's weight of 1."""

    user: float
    popularity: float
    history: float

    @classmethod
    def read(cls, serving: Mapping[str, float | str], prefix: str = "") -> Self:
        """Reads the weights that the build chose, from the manifest.

        Raises:
            BundleInvalidError: a weight is missing, or no number.
        """
        names = [f"{prefix}{each.name}_weight" for each in fields(cls)]
        try:
            return cls(*(float(serving[name]) for name in names))
        except (KeyError, ValueError) as error:
            expected = f"numbers {', '.join(names)}"
            raise BundleInvalidError("manifest.json, serving", expected, dict(serving)) from error

    def write(self, prefix: str = "") -> dict[str, float | str]:
        """The inverse of `read`."""
        return {f"{prefix}{name}_weight": weight for name, weight in asdict(self).items()}


class Candidates(NamedTuple):
    """Candidates and the parts of their score, all in one order.

    Attributes:
        items: (n,) int32, distinct item indices, ascending.
        basket: (n,) float32, mean over the anchors of q_i·p_j + p_i·q_j; zero without anchors.
        user, popularity, history: (n,) float32, not yet weighted.
    """

    items: Int32
    basket: Float32
    user: Float32
    popularity: Float32
    history: Float32

    def parts(self, weights: Weights) -> dict[Part, Float32]:
        """The blended score by what it speaks for: basket, user (with history), popularity."""
        user = np.float32(weights.user) * self.user + np.float32(weights.history) * self.history
        popularity = np.float32(weights.popularity) * self.popularity
        return {"basket": self.basket, "user": user, "popularity": popularity}

    def score(self, weights: Weights) -> Float32:
        """The blended score, shape (n,)."""
        score: Float32 = (
            self.basket
            + np.float32(weights.user) * self.user
            + np.float32(weights.popularity) * self.popularity
            + np.float32(weights.history) * self.history
        )
        return score


def build_queries(
    item_vectors: Float32, anchors: Int32, user_h: Float32 | None, weights: Weights
) -> Float32:
    """One query [q_i + h_u ; p_i + h_u ; prior weight] per anchor; [h_u ; h_u ; …] without any.

    Args:
        item_vectors: (n_items, 2d + 1) float32, [item_p | item_q | log popularity].
        anchors: (a,) int32.
        user_h: (d,) float32, or None for an unknown user.
        weights: those of the user and popularity parts go into the query.

    Returns:
        (max(a, 1), 2d + 1) float32, ready for the index.
    """
    d = item_vectors.shape[1] // 2
    queries = np.zeros((max(len(anchors), 1), 2 * d + 1), np.float32)
    if len(anchors):
        queries[:, : 2 * d] = _swapped(item_vectors, anchors)
    if user_h is not None:
        queries[:, : 2 * d] += np.float32(weights.user) * np.tile(user_h, 2)
    queries[:, 2 * d] = weights.popularity
    return queries


def mean_query(
    item_vectors: Float32, anchors: Int32, user_h: Float32 | None, weights: Weights
) -> Float32:
    """The mean of `build_queries`, (1, 2d + 1) float32: Eq. 4 is linear in the query."""
    d = item_vectors.shape[1] // 2
    query = np.empty((1, 2 * d + 1), np.float32)
    query[0, : 2 * d] = mean_swapped(item_vectors, anchors)
    if user_h is not None:
        query[:, : 2 * d].reshape(2, d)[:] += np.float32(weights.user) * user_h
    query[0, 2 * d] = weights.popularity
    return query


def merge_candidates(found: Int32, profile: Profile | None, history_candidates: int) -> Int32:
    """The union of what the index found and of the items the shopper buys most, ascending.

    Args:
        found: (n,) int32 item indices from lists or index, -1 where there are no more.
        profile: the shopper, if known.
        history_candidates: at most so many items of the shopper's history, by recency.
    """
    items = found
    if profile is not None and history_candidates:
        items = np.concatenate([items, _most_recent(profile, history_candidates)])
    merged = np.unique(items)
    return merged[1:] if len(merged) and merged[0] < 0 else merged


def score_parts(
    item_vectors: Float32, items: Int32, anchors: Int32, profile: Profile | None
) -> Candidates:
    """Scores every candidate exactly against all anchors, whichever query found it.

    Args:
        item_vectors: (n_items, 2d + 1) float32.
        items: (n,) int32, the candidates, ascending.
        anchors: (a,) int32.
        profile: the shopper, if known.
    """
    d = item_vectors.shape[1] // 2
    basket, user, popularity, history = score_candidates(
        item_vectors,
        items,
        mean_swapped(item_vectors, anchors),
        _nobody(d) if profile is None else profile.user_h,
        _NOTHING if profile is None else profile.items,
        _NEVER if profile is None else profile.recency,
        _RECENCY_SCALE,
    )
    return Candidates(items, basket, user, popularity, history)


def closest_anchors(item_vectors: Float32, items: Int32, anchors: Int32) -> Int32:
    """The anchor i with the largest q_i·p_j + p_i·q_j for each item j.

    Args:
        item_vectors: (n_items, 2d + 1) float32.
        items: (n,) int32.
        anchors: (a,) int32, at least one.
    """
    cohesion = item_vectors[items, :-1] @ _swapped(item_vectors, anchors).T
    closest: Int32 = anchors[cohesion.argmax(axis=1)]
    return closest


@cache
def _nobody(d: int) -> Float32:
    """The vector of a stranger."""
    return needed(np.zeros(d, np.float32))


def _swapped(item_vectors: Float32, anchors: Int32) -> Float32:
    """[q_i ; p_i] of every anchor, (a, 2d)."""
    d = item_vectors.shape[1] // 2
    rows = item_vectors[anchors]
    return np.concatenate([rows[:, d : 2 * d], rows[:, :d]], axis=1)


def _most_recent(profile: Profile, count: int) -> Int32:
    if len(profile.items) <= count:
        return profile.items
    best = np.argpartition(profile.recency, -count)[-count:]
    return profile.items[best]
