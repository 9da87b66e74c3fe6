"""The report's section on groups: baskets by their size, users by their past baskets."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.pictures.plots import group_plot
from index_builder.evaluation.report.methods import strongest
from index_builder.measuring.groups import quantile_groups
from index_builder.measuring.intervals import Bootstrap, Interval
from index_builder.measuring.quality import Measured

PICTURE = "groups.svg"

_SHOWN_OPPONENTS = 3


def groups_section(evaluation: Evaluation, directory: Path) -> str:
    """Recall by basket size and by the number of the user's past baskets."""
    methods = evaluation.methods
    shown = [*strongest(methods, _SHOWN_OPPONENTS), OURS]
    sizes = np.array([len(basket.given) for basket in evaluation.baskets])
    past = np.bincount(evaluation.encoded.basket_user, minlength=evaluation.encoded.n_users)
    panels = {
        "items in the basket": sizes,
        "past baskets of the user": past[methods[OURS].users],
    }
    group_plot(
        directory / PICTURE,
        {
            title: {name: _by_group(values, methods[name], evaluation.seed) for name in shown}
            for title, values in panels.items()
        },
        OURS,
    )
    return f"""## By basket size and past baskets

![Recall by basket size and by the user's number of past baskets]({PICTURE})

The points of a line are groups of about the same number of baskets; the bands are 95 % intervals.
The opponents are the {len(shown) - 1} with the highest recall."""


def _by_group(
    values: npt.NDArray[np.integer], measured: Measured, seed: int
) -> dict[str, Interval]:
    intervals = {}
    for group in quantile_groups(values):
        few = measured.of(group.members)
        intervals[group.label] = Bootstrap(few.users, seed).interval(few.recall)
    return intervals
