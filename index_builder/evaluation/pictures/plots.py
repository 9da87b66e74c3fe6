"""The report's pictures. Labels stand beside lines and points; there is no legend."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from index_builder.evaluation.figures import figure as written
from index_builder.evaluation.figures import signed
from index_builder.evaluation.pictures.drawing import (
    BLUE,
    INK,
    OTHERS,
    PALE,
    QUIET,
    in_figures,
    in_percent,
    picture,
    without_ticks,
)
from index_builder.evaluation.pictures.labels import label_ends, label_points
from index_builder.measuring.calibration import Calibration
from index_builder.measuring.coverage import Coverage
from index_builder.measuring.intervals import Interval
from index_builder.measuring.list_diversity import ListDiversity
from index_builder.measuring.quality import K

_MARKERS = ("s", "^", "D", "v")


def recall_plot(
    path: Path, methods: Mapping[str, Mapping[str, Interval]], ours: str, strongest: str
) -> None:
    """Bars of every method, in columns: all targets, repeat targets, new targets.

    Args:
        path: file to write.
        methods: intervals by column, by method; drawn from the best in the first column down.
        ours: the method that stands out.
        strongest: the best of the others.
    """
    columns = list(methods[ours])
    names = sorted(methods, key=lambda name: methods[name][columns[0]].mean)
    with picture(path, 10, 0.9 + 0.31 * len(names)) as figure:
        panels = figure.subplots(1, len(columns), sharey=True, width_ratios=[1.25, 1, 1])
        for axes, column in zip(panels, columns, strict=True):
            _bars(axes, {name: methods[name][column] for name in names}, ours)
            axes.set_title(column)
        for label, name in zip(panels[0].get_yticklabels(), names, strict=True):
            label.set_color(BLUE if name == ours else INK)
            label.set_fontweight("bold" if name in (ours, strongest) else "normal")


def _bars(axes: Axes, rows: Mapping[str, Interval], ours: str) -> None:
    largest = max((each.high for each in rows.values() if not np.isnan(each.mean)), default=1) or 1
    for place, (name, each) in enumerate(rows.items()):
        colour, weight = (BLUE, "bold") if name == ours else (INK, "normal")
        known = not np.isnan(each.mean)
        text = written(each.mean) if known else "no such target"
        if known:
            axes.barh(place, each.mean, 0.66, color=BLUE if name == ours else PALE)
            axes.plot((each.low, each.high), (place, place), color=INK, linewidth=1.3)
        right = each.high if known else 0
        axes.text(right + 0.025 * largest, place, text, va="center", color=colour, weight=weight)
    axes.set_xlim(0, 1.18 * largest)
    axes.set_ylim(-0.6, len(rows) - 0.4)
    axes.set_yticks(range(len(rows)), list(rows))
    axes.tick_params(length=0, labelbottom=False)
    axes.spines["bottom"].set_visible(False)


def group_plot(
    path: Path, panels: Mapping[str, Mapping[str, Mapping[str, Interval]]], ours: str
) -> None:
    """Lines of recall over groups of baskets, with their intervals as bands.

    Args:
        path: file to write.
        panels: title → method → label of the group → interval; five methods at most.
        ours: the method that stands out.
    """
    rows = [groups for methods in panels.values() for groups in methods.values()]
    top = 1.05 * max(each.high for groups in rows for each in groups.values()) or 1
    with picture(path, 10, 4.2) as figure:
        grid = figure.subplots(1, len(panels), sharey=True)
        for axes, (title, methods) in zip(grid, panels.items(), strict=True):
            others = [name for name in methods if name != ours]
            colours = {ours: BLUE, **dict(zip(others, OTHERS, strict=False))}
            markers = {ours: "o", **dict(zip(others, _MARKERS, strict=False))}
            for name, groups in methods.items():
                _line(axes, list(groups.values()), colours[name], markers[name])
            labels = list(methods[ours])
            axes.set_xticks(range(len(labels)), labels)
            axes.set_xlim(-0.25, len(labels) - 0.75)
            axes.set_xlabel(title)
            axes.set_ylim(0, top)
            without_ticks(axes, "y")
            in_figures(axes.yaxis)
            axes.spines["left"].set_visible(False)
            ends = {name: list(groups.values())[-1].mean for name, groups in methods.items()}
            label_ends(axes, ends, colours)
        grid[0].set_title(f"Recall@{K}")


def _line(axes: Axes, groups: Sequence[Interval], colour: str, marker: str) -> None:
    places = range(len(groups))
    low, high = [each.low for each in groups], [each.high for each in groups]
    axes.fill_between(places, low, high, color=colour, alpha=0.13, linewidth=0)
    means = [each.mean for each in groups]
    axes.plot(places, means, color=colour, marker=marker, markersize=5, linewidth=1.8)


def difference_plot(path: Path, panels: Mapping[str, Mapping[tuple[str, str], Interval]]) -> None:
    """Points with whiskers: the changes when a part is left out, or done another way.

    Args:
        path: file to write.
        panels: title → (ablation, compared with) → interval of the difference in recall.
    """
    sizes = [len(rows) for rows in panels.values()]
    with picture(path, 10, 1.7 + 0.4 * sum(sizes)) as figure:
        grid = figure.subplots(len(panels), 1, height_ratios=sizes, squeeze=False)[:, 0]
        for axes, (title, rows) in zip(grid, panels.items(), strict=True):
            axes.axvline(0, color=QUIET, linewidth=1)
            for place, (names, each) in enumerate(rows.items()):
                _whisker(axes, place, each)
                _name(axes, place, *names)
            axes.set_yticks([])
            axes.set_ylim(len(rows) - 0.5, -0.5)
            axes.set_title(title)
            without_ticks(axes, "x")
            axes.spines["left"].set_visible(False)
            axes.xaxis.set_major_formatter(lambda value, _: signed(round(value, 9), 3))
        grid[-1].set_xlabel(f"difference in Recall@{K}, with 95 % intervals")


def _whisker(axes: Axes, place: int, each: Interval) -> None:
    # Blue is better, orange is worse, grey is no difference beyond chance.
    colour = BLUE if each.low > 0 else OTHERS[0] if each.high < 0 else QUIET
    axes.plot((each.low, each.high), (place, place), color=colour, linewidth=2)
    axes.plot(each.mean, place, "o", color=colour, markersize=6)
    _write(axes, (1.01, place), signed(each.mean, 4), color=colour, weight="bold")


def _name(axes: Axes, place: int, name: str, beside: str) -> None:
    _write(axes, (-0.01, place - 0.17 * bool(beside)), name, ha="right", color=INK)
    if beside:
        against = f"against: {beside}"
        _write(axes, (-0.01, place + 0.24), against, ha="right", color=QUIET, fontsize=7)


def _write(axes: Axes, place: tuple[float, float], text: str, **style: Any) -> None:
    """Writes beside the axes, at a fraction of their width and a height in data units."""
    coordinates = ("axes fraction", "data")
    axes.annotate(text, place, xycoords=coordinates, va="center", annotation_clip=False, **style)


def coverage_plot(path: Path, methods: Mapping[str, tuple[float, Coverage]], ours: str) -> None:
    """Recall beside coverage and popularity share, one point for each method.

    Args:
        path: file to write.
        methods: recall and coverage by method.
        ours: the method that stands out.
    """
    panels = {
        "share of the catalogue that is recommended": "coverage",
        "share of recommendations among the 1 % most bought items": "popularity_share",
    }
    names = sorted(methods, key=lambda name: (name != ours, -methods[name][0]))
    colours = {name: BLUE if name == ours else INK for name in names}
    with picture(path, 10, 4.8) as figure:
        grid = figure.subplots(1, len(panels), sharey=True)
        for axes, (title, attribute) in zip(grid, panels.items(), strict=True):
            points = {
                name: (getattr(methods[name][1], attribute), methods[name][0]) for name in names
            }
            for name, point in points.items():
                colour = BLUE if name == ours else QUIET
                axes.plot(*point, "o", color=colour, markersize=6, clip_on=False)
            axes.set_xlabel(title)
            axes.set_xlim(0, 1.1 * max(x for x, _ in points.values()))
            axes.set_ylim(0, 1.1 * max(y for _, y in points.values()) or 1)
            without_ticks(axes, "x", "y")
            in_percent(axes.xaxis)
            in_figures(axes.yaxis)
            figure.draw_without_rendering()  # fixes the positions of the points
            label_points(axes, points, colours, 8)
        grid[0].set_title(f"Recall@{K}")


def diversity_plot(path: Path, points: Mapping[str, tuple[float, ListDiversity]]) -> None:
    """Recall beside the diversity of a list, a curve through all values of a setting.

    Args:
        path: file to write.
        points: recall and diversity by value, the neutral one first.
    """
    panels = {
        "distance within a list": "distance",
        "distinct subcategories in a list": "subcategories",
    }
    recalls = [recall for recall, _ in points.values()]
    with picture(path, 10, 4.2) as figure:
        grid = figure.subplots(1, len(panels), sharey=True)
        for axes, (title, attribute) in zip(grid, panels.items(), strict=True):
            values = [getattr(diversity, attribute) for _, diversity in points.values()]
            axes.axhline(0.99 * recalls[0], color=PALE, linewidth=1.5)
            axes.plot(values, recalls, "o-", color=BLUE, markersize=5.5, linewidth=1.8)
            axes.set_xlabel(title)
            axes.margins(0.12)
            without_ticks(axes, "x", "y")
            in_figures(axes.yaxis)
            for name, place in zip(points, zip(values, recalls, strict=True), strict=True):
                axes.annotate(name, place, (5, 5), textcoords="offset points", fontsize=8)
        grid[0].set_title(f"Recall@{K} by λ; the line is 1 % below λ = 1")


def calibration_plot(path: Path, calibration: Calibration) -> None:
    """The curve over the score, and the observed shares beside its probabilities.

    Args:
        path: file to write.
        calibration: of the scores.
    """
    bins = calibration.bins
    scores, expected = [each.score for each in bins], [each.expected for each in bins]
    top = 1.08 * max(*expected, *(each.observed.high for each in bins))
    with picture(path, 10, 4.2) as figure:
        by_score, by_chance = figure.subplots(1, 2, sharey=True)
        line = np.linspace(min(scores), max(scores), 100)
        by_score.plot(line, calibration.curve(line), color=PALE, linewidth=2)
        by_score.set_xlabel("mean score of a tenth of the recommendations")
        by_score.set_title("Share of recommendations that were targets")
        by_chance.plot((0, top), (0, top), color=PALE, linewidth=2)
        by_chance.set_xlabel("probability by the curve")
        by_chance.set_xlim(0, top)
        in_percent(by_chance.xaxis)
        for axes, places in ((by_score, scores), (by_chance, expected)):
            for place, each in zip(places, bins, strict=True):
                interval = (each.observed.low, each.observed.high)
                axes.plot((place, place), interval, color=BLUE, linewidth=1.5, alpha=0.5)
                axes.plot(place, each.observed.mean, "o", color=BLUE, markersize=5.5)
            axes.set_ylim(0, top)
            without_ticks(axes, "x", "y")
            in_percent(axes.yaxis)
        middle = (line[75], calibration.curve(line)[75])
        style: dict[str, Any] = {"textcoords": "offset points", "color": QUIET, "va": "center"}
        by_score.annotate("logistic curve", middle, (12, -10), **style)
        by_chance.annotate("observed = expected", (0.75 * top, 0.75 * top), (12, -10), **style)
