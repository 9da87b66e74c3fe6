"""The picture of the basket score: two ROC curves and the calibration."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from index_builder.basket_score import Judgement
from index_builder.evaluation.figures import figure as written
from index_builder.evaluation.pictures.drawing import (
    BLUE,
    OTHERS,
    PALE,
    QUIET,
    in_percent,
    picture,
    without_ticks,
)
from index_builder.measuring.reliability import Reliability
from index_builder.measuring.roc import roc_auc, roc_curve
from service.support.arrays.array_types import Float64

_SCORE, _POPULATION, _SHARE = "score", "population score", "share bought before"
_COLOURS = {_SCORE: BLUE, _POPULATION: OTHERS[1], _SHARE: QUIET}
_MARKERS = {_SCORE: "o", _POPULATION: "^"}
_LINE = 0.07  # of the height of a panel


def score_plot(path: Path, judged: Judgement, own: Reliability, population: Reliability) -> None:
    """Draws how well the scores separate real baskets from corrupted ones.

    Args:
        path: file to write.
        judged: the baskets.
        own: of the score.
        population: of the population score.
    """
    ways = {_SCORE: judged.personal, _POPULATION: judged.population, _SHARE: judged.share}
    with picture(path, 10, 3.9) as figure:
        foreign, swapped, calibration = figure.subplots(1, 3)
        # Another user's basket is a real one, so that the population score does not apply.
        known = {name: way for name, way in ways.items() if name != _POPULATION}
        _roc(foreign, {name: (way.real, way.foreign) for name, way in known.items()})
        _roc(swapped, {name: (way.real, way.swapped) for name, way in ways.items()})
        foreign.set_title("Another household's basket")
        swapped.set_title("Half of the items swapped")
        foreign.set_ylabel("real baskets kept")
        for axes in (foreign, swapped):
            axes.set_xlabel("corrupted baskets let through")
        _calibration(calibration, {_SCORE: own, _POPULATION: population})
        for axes in (foreign, swapped, calibration):
            axes.plot((0, 1), (0, 1), color=PALE, linewidth=1.5, zorder=1)
            axes.set_xlim(0, 1)
            axes.set_ylim(0, 1)
            axes.set_aspect("equal")
            without_ticks(axes, "x", "y")
            in_percent(axes.xaxis)
            in_percent(axes.yaxis)


def _roc(axes: Axes, ways: Mapping[str, tuple[Float64, Float64]]) -> None:
    for place, (name, (real, corrupted)) in enumerate(reversed(list(ways.items()))):
        let_through, kept = roc_curve(real, corrupted)
        axes.plot(let_through, kept, color=_COLOURS[name], linewidth=1.8)
        _note(axes, place, f"{name}: {written(roc_auc(real, corrupted))}", name)


def _calibration(axes: Axes, found: Mapping[str, Reliability]) -> None:
    for place, (name, each) in enumerate(reversed(list(found.items()))):
        axes.plot(
            each.expected,
            each.observed,
            _MARKERS[name],
            color=_COLOURS[name],
            markersize=5.5,
            clip_on=False,
        )
        _note(axes, place, f"{name}: off by {written(each.expected_error)}", name)
    axes.set_title("Real baskets, by tenths")
    axes.set_xlabel("likelihood by the score")


def _note(axes: Axes, place: int, text: str, name: str) -> None:
    """Writes into the lower right corner, which no useful curve reaches."""
    height = 0.05 + _LINE * place
    weight = "bold" if name == _SCORE else "normal"
    axes.text(0.97, height, text, ha="right", color=_COLOURS[name], weight=weight, fontsize=8)
