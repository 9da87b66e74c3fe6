"""The labels of a picture: names placed beside lines and points, where they can be read."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.textpath import TextPath
from scipy.optimize import isotonic_regression

from index_builder.evaluation.pictures.drawing import PALE
from service.support.arrays.array_types import Float64

_POINTS_PER_INCH = 72
_LINE_HEIGHT = 1.4
_POINT_RADIUS = 4.0  # in points, as all lengths below
_STEPS = (7.0, 13.0, 20.0, 28.0)
_DIRECTIONS = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, 1), (-1, -1))
_LEADER_FROM = 12.0  # a label farther away gets a line to its point
_LEADER = {"arrowstyle": "-", "color": PALE, "shrinkA": 0, "shrinkB": _POINT_RADIUS}


def label_ends(axes: Axes, ends: Mapping[str, float], colours: Mapping[str, str]) -> None:
    """Writes names at the right edge, at the heights of their lines, but not too close together."""
    names = sorted(ends, key=lambda name: ends[name])
    heights = _apart([ends[name] for name in names], 0.065 * axes.get_ylim()[1])
    for name, height in zip(names, heights, strict=True):
        axes.annotate(
            name,
            (1.01, height),
            xycoords=("axes fraction", "data"),
            va="center",
            color=colours[name],
            annotation_clip=False,
        )


def label_points(
    axes: Axes, points: Mapping[str, tuple[float, float]], colours: Mapping[str, str], size: float
) -> None:
    """Writes every name beside its point, where it overlaps least with points and other names.

    Args:
        axes: with its final place and limits.
        points: x and y of each name; the first name is placed first.
        colours: of the names.
        size: of the font, in points.
    """
    per_pixel = _POINTS_PER_INCH / axes.figure.dpi
    at = axes.transData.transform(list(points.values())) * per_pixel
    edges = np.asarray(axes.bbox.extents) * per_pixel  # left, bottom, right, top
    taken = [_box(x, y, 2 * _POINT_RADIUS, 2 * _POINT_RADIUS) for x, y in at]
    for name, (x, y) in zip(points, at, strict=True):
        width, height = TextPath((0, 0), name, size).get_extents().width, _LINE_HEIGHT * size
        steps = [(step, *direction) for step in _STEPS for direction in _DIRECTIONS]
        boxes = [
            _box(x + dx * (step + width / 2), y + dy * (step + height / 3), width, height)
            for step, dx, dy in steps
        ]
        costs = [_overlap(box, taken) + _outside(box, edges) for box in boxes]
        best = int(np.argmin(costs))  # the first of equals, which is the nearest
        taken.append(boxes[best])
        step, dx, dy = steps[best]
        axes.annotate(
            name,
            points[name],
            (dx * step, dy * (step + height / 3)),
            textcoords="offset points",
            ha=("center", "left", "right")[dx],
            va="center",
            fontsize=size,
            color=colours[name],
            arrowprops=_LEADER if step > _LEADER_FROM else None,
        )


def _box(x: float, y: float, width: float, height: float) -> Float64:
    return np.array([x - width / 2, y - height / 2, x + width / 2, y + height / 2])


def _overlap(box: Float64, others: Sequence[Float64]) -> float:
    """The area that a box shares with others."""
    stacked = np.array(others)
    sides = np.minimum(box[2:], stacked[:, 2:]) - np.maximum(box[:2], stacked[:, :2])
    return float(np.maximum(sides, 0).prod(axis=1).sum())


def _outside(box: Float64, edges: Float64) -> float:
    """How far a box is outside of the edges, times 1000, so that it outweighs any overlap."""
    beyond = np.maximum(edges[:2] - box[:2], 0).sum() + np.maximum(box[2:] - edges[2:], 0).sum()
    return 1000 * float(beyond)


def _apart(heights: Sequence[float], gap: float) -> Float64:
    """Moves ascending heights apart until neighbours have the gap, as little as possible.

    Heights without the gaps below them need only be in order: an isotonic regression.
    """
    gaps = gap * np.arange(len(heights))
    apart: Float64 = isotonic_regression(np.asarray(heights) - gaps).x + gaps
    return apart
