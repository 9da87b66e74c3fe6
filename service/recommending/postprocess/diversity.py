"""Diversity: the best candidates, reordered so that a list does not repeat itself.

Maximal marginal relevance (Carbonell and Goldstein, SIGIR 1998), greedy and exact: each step takes
the candidate with the largest

    λ · relevance - (1 - λ) · largest cosine to the items taken before.

Relevance is exp(score - best score). For a ranker that learned from pairs, a difference of two
scores is the log odds that one item is wanted before the other; so this is a candidate's odds
against the best one, in (0, 1], whatever else is in the pool.

A candidate's merit only falls with each item that it is compared with. So most candidates need not
be compared with all that were taken: they are too alike to some already (Minoux, 1978).
"""

from typing import Annotated, NamedTuple

import numba
import numpy as np

from service.settings import RecommendOptions
from service.support.arrays.array_types import Float32, Int32, Positions
from service.support.compiled.compilation import compiled
from service.support.compiled.layout import Layout


class Mmr(NamedTuple):
    """How a list is made diverse.

    Attributes:
        weight: λ in [0, 1]; 1 leaves the order by score.
        pool: places that may be taken.
        cap: places that a category may take, 0 for no cap; items without a category are not capped.
        k: places to take; fewer where the cap leaves no more.
    """

    weight: float
    pool: int
    cap: int
    k: int

    @classmethod
    def of(cls, options: RecommendOptions, k: int) -> "Mmr":
        """As the options say, for k recommendations."""
        return cls(options.mmr_lambda, max(k, options.mmr_pool), options.category_cap, k)


NOT_DIVERSE = Mmr(1.0, 0, 0, 0)


class Diversity:
    """Reorders a list by maximal marginal relevance, and caps its categories."""

    def __init__(self, rows: Float32, codes: Int32) -> None:
        """Prepares what all requests share.

        Args:
            rows: (n_items, 2d + 1), [p_i ; q_i ; prior].
            codes: (n_items,) category of each item; negative for none.
        """
        self._rows, self._codes = rows, codes
        self._scale = inverse_norms(rows)

    def reorder(
        self, items: Int32, scores: Float32, ranked: Positions, k: int, options: RecommendOptions
    ) -> Positions:
        """Puts the k candidates to recommend in front.

        Args:
            items: (n,) the candidates, in any order.
            scores: (n,) of each.
            ranked: (n,) their places, best first.
            k: recommendations wanted.
            options: λ, pool and cap.

        Returns:
            (n,) their places, reordered.
        """
        mmr = Mmr.of(options, k)
        if mmr.weight == 1:
            return ranked
        best, merit = items[ranked], scores[ranked]
        return ranked[diversify(self._rows, self._scale, best, merit, self._codes, mmr)]


def inverse_norms(item_vectors: Float32) -> Float32:
    """1 / |[p_i ; q_i]| of every item, (n_items,) float32; 0 for a vector of zeros."""
    squares = np.einsum("ij,ij->i", item_vectors[:, :-1], item_vectors[:, :-1])
    norms = np.sqrt(squares)
    inverse: Float32 = np.divide(1, norms, out=np.zeros_like(norms), where=norms > 0)
    return inverse


@numba.njit(fastmath={"reassoc", "contract"})
def _cosine(rows: Float32, scale: Float32, one: int, other: int) -> np.float32:
    a, b = rows[one], rows[other]
    product = np.float32(0)
    for column in range(rows.shape[1] - 1):
        product += a[column] * b[column]
    cosine: np.float32 = product * scale[one] * scale[other]
    return cosine


@numba.njit()
def _full(codes: Int32, items: Int32, taken: Positions, item: int, cap: int) -> bool:
    """Whether the cap is reached for the item's category."""
    n = 0
    for place in taken:
        n += codes[items[place]] == codes[item]
    return codes[item] >= 0 and n >= cap


@compiled()
def diversify(
    rows: Annotated[Float32, Layout(axes=2)],
    scale: Float32,
    items: Int32,
    scores: Float32,
    codes: Int32,
    mmr: Mmr,
) -> Positions:
    """Puts k of the first `pool` places in front, in the order in which they are taken.

    Args:
        rows: (n_items, 2d + 1), [p_i ; q_i ; prior]; the prior does not make items alike.
        scale: (n_items,) from `inverse_norms`.
        items: (n,) candidates, best first.
        scores: (n,) of each.
        codes: (n_items,) category of each item; negative for none.
        mmr: how many places are taken, and which.

    Returns:
        (n,) places: those taken, then all others as they were.
    """
    pool, cap, k = min(mmr.pool, len(items)), mmr.cap, mmr.k
    weight, other_weight = np.float32(mmr.weight), np.float32(1 - mmr.weight)
    worth = np.empty(pool, np.float32)
    for place in range(pool):
        worth[place] = weight * np.exp(scores[place] - scores[0])
    alike = np.full(pool, np.float32(-1))  # the largest cosine to the items compared with
    compared = np.zeros(pool, np.int64)  # number of taken items compared with
    is_taken = np.zeros(len(items), np.bool_)
    order = np.empty(len(items), np.intp)
    n = 0
    while n < min(k, pool):
        best, most = -1, np.float32(-np.inf)
        for place in range(pool):
            merit = worth[place] - other_weight * alike[place]
            if is_taken[place] or merit <= most:
                continue
            if cap > 0 and _full(codes, items, order[:n], items[place], cap):
                continue
            while merit > most and compared[place] < n:
                taken = items[order[compared[place]]]
                alike[place] = max(alike[place], _cosine(rows, scale, items[place], taken))
                compared[place] += 1
                merit = worth[place] - other_weight * alike[place]
            if merit > most:
                best, most = place, merit
        if best < 0:
            break
        order[n], is_taken[best] = best, True
        n += 1
    for place in range(len(items)):
        if not is_taken[place]:
            order[n] = place
            n += 1
    return order
