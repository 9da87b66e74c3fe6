"""The category cap: how many recommendations may be of one category."""

import numpy as np

from service.support.arrays.array_types import Bool, Int32


def cap_categories(codes: Int32, cap: int) -> Bool:
    """Marks the first `cap` places of each category.

    Args:
        codes: (n,) int32, the category of each place in the list, best first; negative for an
            item without a category, which no cap concerns.
        cap: items per category, 0 for no cap.
    """
    if not cap or not len(codes):
        return np.ones(len(codes), np.bool_)
    order = np.argsort(codes, kind="stable")
    grouped = codes[order]
    first = np.r_[True, grouped[1:] != grouped[:-1]]
    start = np.maximum.accumulate(np.where(first, np.arange(len(codes)), 0))
    kept = np.empty(len(codes), np.bool_)
    kept[order] = np.arange(len(codes)) - start < cap
    return kept | (codes < 0)
