"""Fold-in: a user vector from past baskets, without retraining.

Training (DESIGN section 1) maximises log P(i | j,u) + log P(j | i,u) + log P(u | i,j) over the
triples of a user. With the item vectors fixed, the first two are log-softmaxes over items with log
popularity as prior. Expanded in h_u, log Σ_i pop_i exp(p_i·h_u) is h_u·mean(p) + ½ h_u'Cov(p) h_u,
with mean and covariance under popularity: the first two cumulants of p. (The other item of the pair
shifts that distribution towards its own neighbours; modelling this made no difference.) The third
term has the same slope, since its context is p_i + q_j too, and the same curvature if p and q are
independent. The maximum of the sum over n purchases, with a Gaussian prior on h_u, is then the
solution of a linear system whose matrix only needs the item vectors:

    (n S + κ s 1) h_u = Σ (p + q − mean(p + q)),   S = Cov(p) + Cov(q),   s = trace(S)/d

Basket completion has one log-softmax in place of three, that of p + q, with the same prior:

    (n S + κ s 1) h_u = Σ (p + q − mean(p + q)),   S = Cov(p + q)

Half of its baskets are predicted beside the user's habit, which this leaves out: a larger κ makes
up for what habit says already.

The vector is the user's difference from the shop, relative to the spread of the shop (Fisher's
linear discriminant), shrunk as though κ average purchases had come before. Purchases count less
with age, in n and in the sum.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from service.support.arrays.array_types import Float32, Float64, Int32, Int64
from service.support.durations import DAY_S

# Chosen on November baskets of users outside the training data; 20 to 80 do as well.
_SHRINKAGE_PURCHASES = 40
# Chosen on November baskets: folded-in vectors are as long as trained ones, and find as much.
_SHRINKAGE_COMPLETION = 640


def learned_by_completion(build: Mapping[str, Any]) -> bool:
    """Whether the vectors of a bundle are from basket completion, by the manifest's `build`."""
    train = build.get("train")
    return isinstance(train, dict) and train.get("objective") == "completion"


class FoldIn:
    """Computes user vectors in the space of a bundle's item vectors."""

    def __init__(
        self, item_vectors: Float32, half_life_days: float, completion: bool = False
    ) -> None:
        """Prepares what all users share; some milliseconds for 20,000 items.

        Args:
            item_vectors: (n_items, 2d + 1) float32, [item_p | item_q | log popularity].
            half_life_days: days after which a purchase counts half.
            completion: whether the vectors are from basket completion, or else from triple2vec.
        """
        d = item_vectors.shape[1] // 2
        popularity = np.exp(item_vectors[:, 2 * d])
        popularity /= popularity.sum()
        duals = item_vectors[:, : 2 * d]
        mean = (popularity @ duals).astype(np.float64)
        if completion:
            squares = _squares(duals[:, :d] + duals[:, d:], popularity)
            covariance = squares - np.outer(mean[:d] + mean[d:], mean[:d] + mean[d:])
        else:
            squares = _squares(duals[:, :d], popularity) + _squares(duals[:, d:], popularity)
            covariance = squares - np.outer(mean[:d], mean[:d]) - np.outer(mean[d:], mean[d:])
        spread, axes = np.linalg.eigh(covariance)
        # If all items are alike, the spread is only rounding; do not divide by that.
        least = np.finfo(np.float32).eps * np.trace(squares) / d + np.finfo(np.float32).tiny
        self.dimension = d
        self._duals = duals
        self._mean = mean[:d] + mean[d:]
        self._axes = axes  # (d, d), a column per eigenvector of S
        self._spread = np.maximum(spread, 0)  # (d,)
        shrinkage = _SHRINKAGE_COMPLETION if completion else _SHRINKAGE_PURCHASES
        self._prior = shrinkage * max(np.trace(covariance) / d, least)
        self._half_life_s = half_life_days * DAY_S

    def user_h(self, begun: Int64, indptr: Int64, items: Int32) -> Float32:
        """Returns the vector of a user with these past baskets, in any order.

        Args:
            begun: (b,) start of each basket, epoch seconds; ages count from the latest.
            indptr: (b + 1,) offsets of the baskets into `items`.
            items: item indices.

        Returns:
            (d,) float32; zero without any purchase.
        """
        if not len(begun):
            return np.zeros(self.dimension, np.float32)
        weight = np.repeat(0.5 ** ((begun.max() - begun) / self._half_life_s), np.diff(indptr))
        n = weight.sum()
        rows = self._duals[items[indptr[0] : indptr[-1]]]  # (lines, 2d)
        p, q = np.split(weight.astype(np.float32) @ rows, 2)
        h = ((p + q - n * self._mean) @ self._axes) / (n * self._spread + self._prior)
        user_h: Float32 = (self._axes @ h).astype(np.float32)
        return user_h


def _squares(vectors: Float32, weight: Float32) -> Float64:
    """Σ weight · v v', shape (d, d)."""
    squares: Float64 = ((vectors * weight[:, None]).T @ vectors).astype(np.float64)
    return squares
