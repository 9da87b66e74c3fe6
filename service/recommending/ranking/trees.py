"""Gradient-boosted trees, evaluated by compiled loops over plain arrays.

A node sends a candidate to the left if its feature is at most the threshold. Inner nodes store the
mean value of their leaves, so that each step of a path gives its feature's share of the score.

Scores are computed without walking the trees (QuickScorer: Lucchese et al., SIGIR 2015). Each inner
node whose test fails rules out the leaves on its left, by a mask of one bit per leaf; the leftmost
leaf that remains is the one at which a walk would end. A node is evaluated for all candidates at
once, without a branch.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from service.support.arrays.array_types import Float32, Int32, UInt32
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled

MOST_LEAVES = 32  # of one tree, the bits of a mask
_ALL = np.uint32(0xFFFFFFFF)
_ABREAST = 4  # nodes evaluated together, so that the remaining leaves are written once for all
_MANTISSA_BITS, _EXPONENT_BIAS = 23, 127  # of a float32


class Masks(NamedTuple):
    """The inner nodes and the leaves of all trees, tree by tree, leaves from left to right.

    Each tree's nodes are padded to a multiple of _ABREAST with tests that never fail.

    Attributes:
        nodes, leaves: (trees + 1,) int32, offsets into the arrays of inner nodes and of leaves.
        feature, threshold: (inner nodes,) int32 and float32.
        kept: (inner nodes,) uint32, the leaves that remain when the test fails.
        value: (leaves,) float32.
    """

    nodes: Int32
    leaves: Int32
    feature: Int32
    threshold: Float32
    kept: UInt32
    value: Float32


@dataclass(frozen=True)
class Trees:
    """An ensemble whose score is the sum of one leaf per tree, each of at most MOST_LEAVES.

    Attributes:
        roots: (trees,) int32, the node at which each tree begins.
        feature: (nodes,) int32, the column tested; -1 at a leaf.
        threshold: (nodes,) float32.
        left, right: (nodes,) int32, the next node.
        value: (nodes,) float32, the value of a leaf; at an inner node, the mean below it.
    """

    roots: Int32
    feature: Int32
    threshold: Float32
    left: Int32
    right: Int32
    value: Float32

    def arrays(self) -> dict[str, Any]:
        """The arrays by their names in a bundle."""
        return {
            "tree_root": self.roots,
            "tree_feature": self.feature,
            "tree_threshold": self.threshold,
            "tree_left": self.left,
            "tree_right": self.right,
            "tree_value": self.value,
        }

    def predict(self, features: Float32) -> Float32:
        """Returns the (n,) scores of (n, columns) float32 features; fastest by column in memory.

        Raises:
            ValueError: a tree has more than MOST_LEAVES leaves.
        """
        return predict(np.ascontiguousarray(features.T), self.masks)

    def contributions(self, features: Float32) -> Float32:
        """Splits the scores by feature (Saabas 2014): (n, columns + 1), the last is the bias."""
        return _contributions(
            np.ascontiguousarray(features.T),
            self.roots, self.feature, self.threshold, self.left, self.right, self.value,
        )  # fmt: skip

    @cached_property
    def masks(self) -> Masks:
        """What `predict` needs of them.

        Raises:
            ValueError: a tree has more than MOST_LEAVES leaves.
        """
        inner: list[tuple[int, float, int]] = []
        values: list[float] = []
        nodes, leaves = [0], [0]

        def add(node: int) -> None:
            if self.feature[node] < 0:
                values.append(self.value[node])
                return
            place, first = len(inner), len(values) - leaves[-1]
            inner.append((0, 0.0, 0))
            add(self.left[node])
            ruled_out = (1 << len(values) - leaves[-1]) - (1 << first)
            inner[place] = (self.feature[node], self.threshold[node], int(_ALL) & ~ruled_out)
            add(self.right[node])

        for root in self.roots.tolist():
            add(root)
            if len(values) - leaves[-1] > MOST_LEAVES:
                raise ValueError(f"trees of at most {MOST_LEAVES} leaves")
            inner += [(0, np.inf, int(_ALL))] * (-len(inner) % _ABREAST)
            nodes.append(len(inner))
            leaves.append(len(values))
        feature, threshold, kept = zip(*inner, strict=True) if inner else ((), (), ())
        return Masks(
            read_only(np.array(nodes, np.int32)),
            read_only(np.array(leaves, np.int32)),
            read_only(np.array(feature, np.int32)),
            read_only(np.array(threshold, np.float32)),
            read_only(np.array(kept, np.uint32)),
            read_only(np.array(values, np.float32)),
        )


NO_MASKS = Trees(*(np.empty(0, dtype) for dtype in "iifiif")).masks


@compiled(dimensions={"columns": 2})
def predict(columns: Float32, masks: Masks) -> Float32:
    """The (n,) scores of candidates by their features, (columns, n)."""
    nodes, leaves, feature, threshold, kept, value = masks
    n = columns.shape[1]
    scores = np.zeros(n, np.float32)
    remaining = np.empty(n, np.uint32)
    leaf = np.empty(n, np.int32)
    for tree in range(len(nodes) - 1):
        remaining[:] = _ALL
        for a in range(nodes[tree], nodes[tree + 1], _ABREAST):
            b, c, d = a + 1, a + 2, a + 3
            column_a, at_most_a, kept_a = columns[feature[a]], threshold[a], kept[a]
            column_b, at_most_b, kept_b = columns[feature[b]], threshold[b], kept[b]
            column_c, at_most_c, kept_c = columns[feature[c]], threshold[c], kept[c]
            column_d, at_most_d, kept_d = columns[feature[d]], threshold[d], kept[d]
            for row in range(n):
                remaining[row] &= (
                    (_ALL if column_a[row] <= at_most_a else kept_a)
                    & (_ALL if column_b[row] <= at_most_b else kept_b)
                    & (_ALL if column_c[row] <= at_most_c else kept_c)
                    & (_ALL if column_d[row] <= at_most_d else kept_d)
                )
        # The place of a single bit is the exponent of the float it makes. Two loops, since the
        # first is done in vectors, and the second cannot be.
        first = leaves[tree] - _EXPONENT_BIAS
        for row in range(n):
            leftmost = np.float32(remaining[row] & (~remaining[row] + np.uint32(1)))
            leaf[row] = first + (leftmost.view(np.int32) >> _MANTISSA_BITS)
        for row in range(n):
            scores[row] += value[np.uint32(leaf[row])]
    return scores


@compiled(dimensions={"columns": 2})
def _contributions(
    columns: Float32,
    roots: Int32,
    feature: Int32,
    threshold: Float32,
    left: Int32,
    right: Int32,
    value: Float32,
) -> Float32:
    parts = np.zeros((columns.shape[1], columns.shape[0] + 1), np.float32)
    for root in roots:
        for row in range(columns.shape[1]):
            node = root
            parts[row, -1] += value[root]
            while feature[node] >= 0:
                column = feature[node]
                below = left[node] if columns[column, row] <= threshold[node] else right[node]
                parts[row, column] += value[below] - value[node]
                node = below
    return parts
