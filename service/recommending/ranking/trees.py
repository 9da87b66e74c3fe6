"""Gradient-boosted trees, evaluated by compiled loops over plain arrays.

A node sends a candidate to the left if its feature is at most the threshold. Inner nodes store the
mean value of their leaves, so that each step of a path gives its feature's share of the score.

Scores are computed without walking the trees (QuickScorer: Lucchese et al., SIGIR 2015). Each inner
node whose test fails rules out the leaves on its left, by a mask of one bit per leaf; the leftmost
leaf that remains is the one at which a walk would end. Blocks of candidates pass through the trees
in registers, without a branch.
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Any, NamedTuple

import numba
import numpy as np

from service.support.arrays.array_types import Float32, Int32, UInt32
from service.support.arrays.read_only import read_only
from service.support.compiled.compilation import compiled
from service.support.compiled.lanes import (
    LANES,
    add,
    all_bits,
    choose,
    high_half,
    keep,
    of_lowest_bit,
    store,
    zeros,
)
from service.support.compiled.layout import Layout

MOST_LEAVES = 2 * LANES  # of one tree, the bits of a mask
_ALL = 0xFFFFFFFF
_BLOCK = 4 * LANES  # candidates that pass through the trees together


class Masks(NamedTuple):
    """The inner nodes and the leaves of all trees, tree by tree, leaves from left to right.

    Attributes:
        nodes: (trees + 1,) uint32, offsets into the arrays of inner nodes.
        feature, threshold: (inner nodes,) uint32 and float32.
        kept: (inner nodes,) uint32, the leaves that remain when the test fails.
        value: (trees * leaves,) float32, so many leaves of each tree.
        leaves: LANES or MOST_LEAVES, with zeros after the leaves that a tree has.
    """

    nodes: UInt32
    feature: UInt32
    threshold: Float32
    kept: UInt32
    value: Float32
    leaves: int


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
        nodes, values = [0], []

        def walk(node: int, leaves: list[float]) -> None:
            if self.feature[node] < 0:
                leaves.append(self.value[node])
                return
            place, first = len(inner), len(leaves)
            inner.append((0, 0.0, 0))
            walk(self.left[node], leaves)
            ruled_out = (1 << len(leaves)) - (1 << first)
            inner[place] = (self.feature[node], self.threshold[node], _ALL & ~ruled_out)
            walk(self.right[node], leaves)

        for root in self.roots.tolist():
            values.append(leaves := list[float]())
            walk(root, leaves)
            if len(leaves) > MOST_LEAVES:
                raise ValueError(f"trees of at most {MOST_LEAVES} leaves")
            nodes.append(len(inner))
        feature, threshold, kept = zip(*inner, strict=True) if inner else ((), (), ())
        width = LANES if all(len(leaves) <= LANES for leaves in values) else MOST_LEAVES
        padded = [leaves + [0.0] * (width - len(leaves)) for leaves in values]
        return Masks(
            read_only(np.array(nodes, np.uint32)),
            read_only(np.array(feature, np.uint32)),
            read_only(np.array(threshold, np.float32)),
            read_only(np.array(kept, np.uint32)),
            read_only(np.array(padded, np.float32).reshape(-1)),
            width,
        )


NO_MASKS = Trees(*(np.empty(0, dtype) for dtype in "iifiif")).masks


@numba.njit()
def _of_many(value: Float32, first: int, remaining: Any) -> Any:
    """The values of the leftmost leaves that remain of a tree with more than LANES."""
    of_others = of_lowest_bit(value, first + LANES, high_half(remaining))
    return choose(remaining, of_lowest_bit(value, first, remaining), of_others)


@compiled()
def predict(columns: Annotated[Float32, Layout(axes=2)], masks: Masks) -> Float32:
    """The (n,) scores of candidates by their features, (columns, n)."""
    nodes, feature, threshold, kept, value, leaves = masks
    n = columns.shape[1]
    scores = np.empty(n + _BLOCK, np.float32)
    block = np.zeros((len(columns), _BLOCK), np.float32)
    for first in range(0, n, _BLOCK):
        size = min(_BLOCK, n - first)
        for column in range(len(columns)):
            block[column, :size] = columns[column, first : first + size]
        flat = block.reshape(-1)
        sum_a = sum_b = sum_c = sum_d = zeros()
        for tree in range(len(nodes) - 1):
            a = b = c = d = all_bits()
            for node in range(nodes[tree], nodes[tree + 1]):
                at, limit, rest = _BLOCK * feature[node], threshold[node], kept[node]
                a = keep(a, flat, at, limit, rest)
                b = keep(b, flat, at + LANES, limit, rest)
                c = keep(c, flat, at + 2 * LANES, limit, rest)
                d = keep(d, flat, at + 3 * LANES, limit, rest)
            of_tree = leaves * tree
            if leaves > LANES:
                sum_a = add(sum_a, _of_many(value, of_tree, a))
                sum_b = add(sum_b, _of_many(value, of_tree, b))
                sum_c = add(sum_c, _of_many(value, of_tree, c))
                sum_d = add(sum_d, _of_many(value, of_tree, d))
            else:
                sum_a = add(sum_a, of_lowest_bit(value, of_tree, a))
                sum_b = add(sum_b, of_lowest_bit(value, of_tree, b))
                sum_c = add(sum_c, of_lowest_bit(value, of_tree, c))
                sum_d = add(sum_d, of_lowest_bit(value, of_tree, d))
        store(scores, first, sum_a)
        store(scores, first + LANES, sum_b)
        store(scores, first + 2 * LANES, sum_c)
        store(scores, first + 3 * LANES, sum_d)
    return scores[:n]


@compiled()
def _contributions(
    columns: Annotated[Float32, Layout(axes=2)],
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
