"""The aggregator: the parts of every candidate's blended score.

The blended score is the cohesion score of the basket with the candidate (Eq. 4 of the RTT2Vec
paper), with the popularity prior and the user's own history beside it:

    sum over n anchors of (q_i·p_j + p_i·q_j) / n^exponent  +  user · h_u·(p_j + q_j)
    + popularity · log pop_j  +  history · log(1 + 30 · recency_uj)

The index is searched for the first three terms.
"""

from typing import Annotated, Literal, NamedTuple

import numpy as np

from service.profiles.profile import Profile, nobody
from service.recommending.searching.queries import sum_of_swapped, swapped
from service.recommending.weights import Weights
from service.support.arrays.array_types import Float32, Int32
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout
from service.support.compiled.prefetching import prefetch

Part = Literal["basket", "user", "popularity"]
PARTS: tuple[Part, ...] = ("basket", "user", "popularity")

# Purchases per basket at which history counts for log 2 (DESIGN section 2: found by measurement).
_RECENCY_SCALE = np.float32(30)

_AHEAD = 3  # candidates whose memory is asked for before they are scored


class Candidates(NamedTuple):
    """Candidates and the parts of their score, all in one order.

    Attributes:
        items: (n,) int32, distinct item indices, ascending.
        basket: (n,) float32, from the anchors' q_i·p_j + p_i·q_j; zero without anchors.
        user, popularity, history: (n,) float32, not yet weighted.
    """

    items: Int32
    basket: Float32
    user: Float32
    popularity: Float32
    history: Float32

    def parts(self, weights: Weights) -> dict[Part, Float32]:
        """The blended score, split into basket, user (with history) and popularity."""
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


def score_parts(
    item_vectors: Float32,
    items: Int32,
    anchors: Int32,
    profile: Profile | None,
    basket_exponent: float = 1,
) -> Candidates:
    """Scores every candidate exactly against all anchors, whichever query found it.

    Args:
        item_vectors: (n_items, 2d + 1) float32.
        items: (n,) int32, the candidates, ascending.
        anchors: (a,) int32.
        profile: the user, if known.
        basket_exponent: see `Weights`.
    """
    user = profile or nobody(item_vectors.shape[1] // 2)
    parts = score_rows(
        item_vectors,
        items,
        sum_of_swapped(item_vectors, anchors, basket_exponent),
        user.user_h,
        user.items,
        user.recency,
    )
    return Candidates(items, *parts)


def closest_anchors(item_vectors: Float32, items: Int32, anchors: Int32) -> Int32:
    """The anchor i with the largest q_i·p_j + p_i·q_j for each item j.

    Args:
        item_vectors: (n_items, 2d + 1) float32.
        items: (n,) int32.
        anchors: (a,) int32, at least one.
    """
    cohesion = item_vectors[items, :-1] @ swapped(item_vectors, anchors).T
    closest: Int32 = anchors[cohesion.argmax(axis=1)]
    return closest


@compiled(fastmath={"reassoc", "contract"})
def score_rows(
    rows: Annotated[Float32, Layout(axes=2)],
    items: Int32,
    basket: Float32,
    user_h: Float32,
    bought: Int32,
    recency: Float32,
) -> Float32:
    """What basket, user, popularity and history add to the score of each candidate.

    Args:
        rows: (n_items, 2d + 1), [p_i ; q_i ; prior].
        items: (n,) the candidates, ascending.
        basket: (2d,) from `sum_of_swapped`.
        user_h: (d,), zero for a stranger.
        bought: (h,) items of the user's history, ascending.
        recency: (h,) of each.

    Returns:
        (4, n), not yet weighted.
    """
    parts = np.zeros((4, len(items)), np.float32)
    d = len(user_h)
    width, flat = rows.shape[1], rows.reshape(-1)
    at = 0
    for place in range(len(items)):
        item = items[place]
        if place + _AHEAD < len(items):
            coming = items[place + _AHEAD]
            prefetch(flat, coming * width, (coming + 1) * width)
        row = rows[item]
        to_basket, to_user = np.float32(0), np.float32(0)
        for column in range(d):
            to_basket += row[column] * basket[column]
            to_user += row[column] * user_h[column]
        for column in range(d):
            to_basket += row[d + column] * basket[d + column]
            to_user += row[d + column] * user_h[column]
        parts[0, place], parts[1, place], parts[2, place] = to_basket, to_user, row[2 * d]
        while at < len(bought) and bought[at] < item:
            at += 1
        if at < len(bought) and bought[at] == item:
            parts[3, place] = np.log1p(_RECENCY_SCALE * recency[at])
    return parts
