"""The category cap: how many recommendations may be of one category."""

import numpy as np

from service.support.arrays.array_types import Bool, Int32, Positions


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


def capped_first(codes: Int32, ranked: Positions, cap: int) -> Positions:
    """Moves the places behind the others whose category has its `cap` places before them.

    So a cap gives way where the list would be shorter otherwise.

    Args:
        codes: (n,) int32, the category of each candidate.
        ranked: places of candidates, best first.
        cap: items per category.
    """
    within = cap_categories(codes[ranked], cap)
    return np.concatenate([ranked[within], ranked[~within]])
