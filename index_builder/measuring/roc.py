"""The receiver operating characteristic: how well values separate positives from negatives."""

import numpy as np
from scipy.stats import rankdata

from service.support.arrays.array_types import Float64


def roc_auc(positives: Float64, negatives: Float64) -> float:
    """The probability that a positive is above a negative; a tie counts half."""
    ranks = rankdata(np.concatenate([positives, negatives]))[: len(positives)]
    least = len(positives) * (len(positives) + 1) / 2
    return float((ranks.sum() - least) / (len(positives) * len(negatives)))


def roc_curve(positives: Float64, negatives: Float64) -> tuple[Float64, Float64]:
    """False and true positive rates at every threshold, the highest first.

    Returns:
        (thresholds + 1,) each, ascending from 0 to 1.
    """
    thresholds = np.unique(np.concatenate([positives, negatives]))[::-1]
    false_rate, true_rate = (
        np.append(0.0, 1 - np.searchsorted(np.sort(values), thresholds) / len(values))
        for values in (negatives, positives)
    )
    return false_rate, true_rate
