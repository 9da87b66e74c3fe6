"""The report's section on the calibration of the score."""

from pathlib import Path

from index_builder.evaluation.evaluate import OURS, Evaluation
from index_builder.evaluation.figures import percent
from index_builder.evaluation.pictures.plots import calibration_plot
from index_builder.measuring.calibration import calibrate

PICTURE = "calibration.svg"


def score_section(evaluation: Evaluation, directory: Path) -> str:
    """The share of targets among recommendations, by score."""
    title = "## Calibration of the score"
    ours = evaluation.methods[OURS]
    calibration = calibrate(ours.users, evaluation.scores, ours.hits, evaluation.seed)
    if calibration is None:
        return f"{title}\n\nThe baskets are those of one user; two are needed."
    calibration_plot(directory / PICTURE, calibration)
    low, high, curve = calibration.bins[0], calibration.bins[-1], calibration.curve
    return f"""{title}

![Calibration of the score]({PICTURE})

The score orders the items of one answer. Of the tenth of the recommendations with the lowest
scores, {percent(low.observed.mean)} were targets; of the tenth with the highest scores,
{percent(high.observed.mean)}. The logistic curve
1 / (1 + exp(-({curve.intercept:.3f} + {curve.slope:.3f} · score))), fitted on half of the users,
turns it into a probability. On the other users, the expected calibration error over tenths is
{100 * calibration.expected_error:.2f} percentage points."""
