"""Gradient-boosted trees, evaluated by compiled loops over plain arrays.

A node sends a candidate left if its feature is at most the threshold. Inner nodes carry the mean
value of their leaves too, so that the steps of a path tell what each feature did to the score.
"""

from dataclasses import dataclass

import numba
import numpy as np
import numpy.typing as npt

__all__ = ["Trees"]

Float32 = npt.NDArray[np.float32]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Trees:
    """An ensemble whose score is the sum of one leaf per tree.

    Attributes:
        roots: (trees,) int32, the node at which each tree begins.
        feature: (nodes,) int32, column that decides; -1 at a leaf.
        threshold: (nodes,) float32.
        left, right: (nodes,) int32, next node.
        value: (nodes,) float32, of a leaf; of an inner node, the mean below it.
    """

    roots: Int32
    feature: Int32
    threshold: Float32
    left: Int32
    right: Int32
    value: Float32

    def predict(self, features: Float32) -> Float32:
        """Returns the (n,) scores of (n, columns) float32 features."""
        return _predict(
            features, self.roots, self.feature, self.threshold, self.left, self.right, self.value
        )

    def contributions(self, features: Float32) -> Float32:
        """Splits the scores by feature (Saabas 2014): (n, columns + 1), the last is the bias."""
        return _contributions(
            features, self.roots, self.feature, self.threshold, self.left, self.right, self.value
        )


@numba.njit(nogil=True, cache=True)
def _predict(
    features: Float32,
    roots: Int32,
    feature: Int32,
    threshold: Float32,
    left: Int32,
    right: Int32,
    value: Float32,
) -> Float32:
    scores = np.zeros(len(features), np.float32)
    for root in roots:  # a tree stays in the cache while all candidates pass through it
        for row in range(len(features)):
            node = root
            while feature[node] >= 0:
                if features[row, feature[node]] <= threshold[node]:
                    node = left[node]
                else:
                    node = right[node]
            scores[row] += value[node]
    return scores


@numba.njit(nogil=True, cache=True)
def _contributions(
    features: Float32,
    roots: Int32,
    feature: Int32,
    threshold: Float32,
    left: Int32,
    right: Int32,
    value: Float32,
) -> Float32:
    parts = np.zeros((features.shape[0], features.shape[1] + 1), np.float32)
    for root in roots:
        for row in range(len(features)):
            node = root
            parts[row, -1] += value[root]
            while feature[node] >= 0:
                column = feature[node]
                below = left[node] if features[row, column] <= threshold[node] else right[node]
                parts[row, column] += value[below] - value[node]
                node = below
    return parts
