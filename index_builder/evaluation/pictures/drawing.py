"""The style that the report's pictures share; the same data give the same bytes.

Colours are those of Okabe and Ito, which people with any colour vision can distinguish.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from index_builder.evaluation.figures import figure
from service.support.files import replacing

INK, QUIET, PALE = "#24292f", "#6e7781", "#c3c9d0"
BLUE = "#0072b2"
OTHERS = ("#d55e00", "#009e73", "#cc79a7", "#e69f00")

_GRID = "#e6e8eb"


@contextmanager
def picture(path: Path, width: float, height: float) -> Iterator[Figure]:
    """An empty figure, sizes in inches; it is written as SVG at the end of the block."""
    with mpl.rc_context(
        {
            "axes.axisbelow": True,
            "axes.edgecolor": QUIET,
            "axes.labelcolor": QUIET,
            "axes.labelpad": 7,
            "axes.labelsize": 9,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlecolor": INK,
            "axes.titlelocation": "left",
            "axes.titlepad": 10,
            "axes.titlesize": 10,
            "axes.titleweight": "bold",
            "figure.constrained_layout.h_pad": 0.15,
            "figure.constrained_layout.w_pad": 0.15,
            "figure.facecolor": "white",
            "font.family": "DejaVu Sans",  # it comes with matplotlib
            "font.size": 9,
            "grid.color": _GRID,
            "savefig.facecolor": "white",
            "svg.fonttype": "path",
            "svg.hashsalt": "rtt2vec",
            "text.color": INK,
            "xtick.color": QUIET,
            "xtick.labelsize": 8.5,
            "ytick.color": QUIET,
            "ytick.labelsize": 8.5,
        }
    ):
        figure = Figure(figsize=(width, height), layout="constrained")
        yield figure
        # Without date and version, so that the same drawing gives the same file.
        with replacing(path) as new:
            figure.savefig(new, format="svg", metadata={"Date": None, "Creator": None})


def without_ticks(axes: Axes, *lines: str) -> None:
    """Grid lines instead of ticks, at the values of "x", "y" or both."""
    axes.tick_params(length=0)
    for line in lines:
        (axes.xaxis if line == "x" else axes.yaxis).grid()


def in_percent(axis: Axis) -> None:
    """Shares as percentages."""
    axis.set_major_formatter(PercentFormatter(1, decimals=0, symbol=" %"))


def in_figures(axis: Axis) -> None:
    """Shares as in the tables: ".25"."""
    axis.set_major_formatter(lambda value, _: figure(value, 2))
