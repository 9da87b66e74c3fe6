"""The report's section on the calibration of the score."""

from pathlib import Path

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.figures import percent
from index_builder.evaluation.pictures.plots import calibration_plot
from index_builder.measuring.calibration import calibrate

PICTURE = "calibration.svg"


def score_section(evaluation: Evaluation, directory: Path) -> str:
    """The share of targets among recommendations, by score."""
    title = "## What the score says"
    ours = evaluation.methods[OURS]
    calibration = calibrate(ours.users, evaluation.scores, ours.hits, evaluation.seed)
    if calibration is None:
        return f"{title}\n\nOne household alone cannot be halved."
    calibration_plot(directory / PICTURE, calibration)
    low, high, curve = calibration.bins[0], calibration.bins[-1], calibration.curve
    return f"""{title}

![Calibration of the score]({PICTURE})

The score serves to order the items of one answer. Of the tenth of the recommendations with the
lowest scores, {percent(low.observed.mean)} were targets; of the tenth with the highest,
{percent(high.observed.mean)}. Read as a probability by a logistic curve,
1 / (1 + exp(-({curve.intercept:.3f} + {curve.slope:.3f} · score))), which was fitted on half of
the households, it is off by {100 * calibration.expected_error:.2f} percentage points on the others
(expected calibration error over tenths)."""
