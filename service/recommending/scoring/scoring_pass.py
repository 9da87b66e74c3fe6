"""Scoring: one compiled pass from the candidates of a request to their order.

The stages, each a compiled loop of its own:

aggregate    the parts of every candidate's blended score; the sums over past and neighbours
rank         features, trees (or the blend where there are none), what is added to the scores, order
postprocess  the best ones made diverse
"""

from typing import Annotated, NamedTuple

import numba
import numpy as np

from service.profiles.profile import Profile, UserBaskets
from service.recommending.aggregate import score_rows
from service.recommending.postprocess.diversity import Mmr, diversify
from service.recommending.postprocess.substitutes import demote
from service.recommending.ranking.evidence import features
from service.recommending.ranking.known import Known
from service.recommending.ranking.scratch import Scratch
from service.recommending.ranking.trees import Masks, predict
from service.recommending.searching.queries import sum_of_swapped
from service.support.arrays.array_types import Float32, Float64, Int32, Int64, Positions
from service.support.arrays.rank_keys import best_first
from service.support.compiled.clock import seconds
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout


class Shared(NamedTuple):
    """What all requests share; its arrays are read-only.

    Attributes:
        rows: (n_items, 2d + 1) float32, the item vectors.
        inverse_norm: (n_items,) float32, see `inverse_norms`.
        category: (n_items,) int32, negative for none.
        substitutes: offsets and items, see `Substitutes`; of no use where a bundle has none.
        known: what the features are made from; empty without a ranker.
        masks: the trees; none where there is no ranker.
    """

    rows: Annotated[Float32, Layout(axes=2)]
    inverse_norm: Float32
    category: Int32
    substitutes: tuple[Int64, Int32]
    known: Known
    masks: Masks


class Blend(NamedTuple):
    """The weights of a blended score as numbers of one type, see `Weights`."""

    exponent: float
    user: float
    popularity: float
    history: float


class Terms(NamedTuple):
    """How one request is scored.

    Attributes:
        featured: whether features are made; the trees, if there are any, need them.
        blend: the weights of the blended score, by which candidates are scored without trees.
        log_substitute: added to substitutes of the basket's items.
        log_factors: (n_items,) float32, added to the scores by business rules; empty for nothing.
        mmr: how the best ones are made diverse; a λ of 1 leaves the order by score.
    """

    featured: bool
    blend: Blend
    log_substitute: float
    log_factors: Float32
    mmr: Mmr


@numba.njit()
def _blended(parts: Float32, blend: Blend) -> Float32:
    """The blended score of each candidate, as in `Candidates.score`."""
    user, popularity = np.float32(blend.user), np.float32(blend.popularity)
    history = np.float32(blend.history)
    scores = np.empty(parts.shape[1], np.float32)
    for place in range(len(scores)):
        scores[place] = (
            parts[0, place]
            + user * parts[1, place]
            + popularity * parts[2, place]
            + history * parts[3, place]
        )
    return scores


@compiled()
def score(
    shared: Shared,
    scratch: Scratch,
    terms: Terms,
    candidates: Int32,
    anchors: Int32,
    basket: Int32,
    user: Profile,
    ends: Annotated[Float64, Layout(written=True)],
) -> tuple[Float32, Positions, Float32, Float32]:
    """Scores candidates and orders them.

    Args:
        shared: by all requests.
        scratch: the thread's own.
        terms: of this request.
        candidates: (n,) item indices, ascending.
        anchors: (a,) item indices.
        basket: (b,) the basket's items.
        user: the profile; that of nobody for a stranger.
        ends: (2,) receives when the stages aggregate and rank ended, by the clock of `seconds`.

    Returns:
        (n,) scores; (n,) places of candidates, best first, the first k of them diverse; (4, n)
        parts of the blended score: basket, user, popularity, history; (features, n) features.
    """
    rows, n = shared.rows, len(candidates)
    query = sum_of_swapped(rows, anchors, terms.blend.exponent)
    parts = score_rows(rows, candidates, query, user.user_h, user.items, user.recency)
    if terms.featured:
        past = UserBaskets(user.past_begun, user.past_indptr, user.past_items)
        matrix = features(shared.known, scratch, candidates, parts, basket, past, ends)
    else:
        matrix = np.empty((0, n), np.float32)
        ends[0] = seconds()

    if terms.featured and len(shared.masks.nodes) > 1:
        scores = predict(matrix, shared.masks)
    else:
        scores = _blended(parts, terms.blend)
    if terms.log_substitute != 0:
        indptr, substitutes = shared.substitutes
        scores += demote(indptr, substitutes, candidates, basket, terms.log_substitute)
    if len(terms.log_factors) > 0:
        for place in range(n):
            scores[place] += terms.log_factors[candidates[place]]
    order = best_first(scores)
    ends[1] = seconds()

    if terms.mmr.weight < 1:
        best_items, merit = np.empty(n, np.int32), np.empty(n, np.float32)
        for rank in range(n):
            best_items[rank], merit[rank] = candidates[order[rank]], scores[order[rank]]
        inverse_norm, category = shared.inverse_norm, shared.category
        order = order[diversify(rows, inverse_norm, best_items, merit, category, terms.mmr)]
    return scores, order, parts, matrix
