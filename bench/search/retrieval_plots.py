"""Pictures of search: recall against time, growth, and time against basket size."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from index_builder.evaluation.pictures.drawing import (
    BLUE,
    INK,
    OTHERS,
    PALE,
    QUIET,
    picture,
    without_ticks,
)

__all__ = ["Point", "Series", "lines_with_recall", "recall_against_time"]

_COLOURS = {
    "FAISS": BLUE,
    "NMSLIB": OTHERS[0],
    "exact": INK,
    "NumPy": QUIET,
    "lists": OTHERS[2],
    "hnswlib": OTHERS[3],
    "usearch": QUIET,
    "ScaNN": OTHERS[1],
}
_MARKERS = {
    "FAISS": "o",
    "NMSLIB": "s",
    "exact": "D",
    "NumPy": "^",
    "lists": "v",
    "hnswlib": "P",
    "usearch": "X",
    "ScaNN": "*",
}


@dataclass(frozen=True)
class Point:
    """One way to search: its time and recall, and what is said of it, with a ring, if anything."""

    family: str
    ms: float
    recall: float
    note: str = ""


@dataclass(frozen=True)
class Series:
    """One line of a panel; `notes` are labels of its points."""

    family: str
    x: Sequence[float]
    y: Sequence[float]
    notes: Sequence[str] = ()


def recall_against_time(path: Path, title: str, points: Collection[Point], target: float) -> None:
    """Draw all points, and the frontier of each family and the target as lines.

    Args:
        path: file to write.
        title: of the picture.
        points: all points.
        target: recall of the line.
    """
    with picture(path, 10, 4.6) as figure:
        axes = figure.subplots()
        axes.axhline(target, color=PALE, linewidth=1)
        for family in dict.fromkeys(point.family for point in points):
            _frontier(axes, [point for point in points if point.family == family])
        for point in points:
            colour, marker = _COLOURS[point.family], _MARKERS[point.family]
            axes.plot(point.ms, point.recall, marker, color=colour, markersize=4.5, alpha=0.8)
            if point.note:
                axes.plot(point.ms, point.recall, "o", ms=11, color=colour, fillstyle="none")
                _note(axes, point.ms, point.recall, point.note, colour, 10)
        axes.legend(loc="lower right", frameon=False, fontsize=8)
        axes.annotate(
            f"target {target:g}", (0.004, target), xycoords=("axes fraction", "data"),
            xytext=(0, 3), textcoords="offset points", color=QUIET, fontsize=8,
        )  # fmt: skip
        axes.set_ylim(None, 1.04)
        axes.set_title(title)
        axes.set_xlabel("median time of a batch, ms")
        axes.set_ylabel("share of the exact best that is found")
        _log(axes, "x")
        without_ticks(axes, "x", "y")


def lines_with_recall(
    path: Path, panels: Mapping[tuple[str, str], Sequence[Series]], x_label: str
) -> None:
    """Draw panels side by side, with lines on logarithmic axes.

    Args:
        path: file to write.
        panels: (title, label of the y axis) → lines, labelled at their last points.
        x_label: label of the x axes.
    """
    with picture(path, max(6.5, 4.6 * len(panels)), 4.4) as figure:
        grid = figure.subplots(1, len(panels), squeeze=False)[0]
        for axes, ((title, y_label), lines) in zip(grid, panels.items(), strict=True):
            for line in lines:
                _line(axes, line)
            axes.set_title(title)
            axes.set_xlabel(x_label)
            axes.set_ylabel(y_label)
            _log(axes, "x")
            axes.set_xticks(sorted({x for line in lines for x in line.x}))
            if "recall" not in y_label:
                _log(axes, "y")
            axes.margins(x=0.16, y=0.12)
            without_ticks(axes, "x", "y")


def _frontier(axes: Axes, points: Sequence[Point]) -> None:
    """Join the points of a family that no faster one equals in recall."""
    best: list[Point] = []
    for point in sorted(points, key=lambda each: each.ms):
        if not best or point.recall > best[-1].recall:
            best.append(point)
    times, recalls = [each.ms for each in best], [each.recall for each in best]
    family = points[0].family
    (line,) = axes.plot(times, recalls, color=_COLOURS[family], linewidth=1, alpha=0.5)
    line.set(label=family, marker=_MARKERS[family], markersize=4.5)


def _line(axes: Axes, line: Series) -> None:
    family = line.family.split(",")[0]
    dashes = "--" if "," in line.family else "-"
    colour = _COLOURS[family]
    axes.plot(line.x, line.y, dashes, marker=_MARKERS[family], markersize=5, color=colour)
    _note(axes, line.x[-1], line.y[-1], line.family, colour, -14)
    for x, y, note in zip(line.x, line.y, line.notes, strict=False):
        _note(axes, x, y, note, colour, 7)


def _note(axes: Axes, x: float, y: float, text: str, colour: str, above: float) -> None:
    axes.annotate(
        text, (x, y), xytext=(0, above), textcoords="offset points", ha="center",
        color=colour, fontsize=7.5, annotation_clip=False,
    )  # fmt: skip


def _log(axes: Axes, which: str) -> None:
    """Make an axis logarithmic, with plain numbers."""
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)("log")
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.10g}"))
    axis.set_minor_formatter(NullFormatter())
