"""Post-processing: candidates in, recommendations out.

Exclusions always hold. A category cap and diversity (see `diversity`) are wishes: both give way
before the list becomes shorter than k.
"""

import numpy as np

from service.support.array_types import Bool, Float32, Int32, Positions

__all__ = ["best_first", "cap_categories", "top_up"]


def best_first(scores: Float32) -> Positions:
    """Positions by falling score; equal scores keep their order."""
    return np.argsort(-scores, kind="stable")


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


def top_up(items: Int32, eligible: Bool, codes: Int32, cap: int, k: int) -> Int32:
    """The popularity fill: adds the most popular eligible items until k can be chosen.

    Args:
        items: (n,) int32, distinct eligible candidates, ascending.
        eligible: (n_items,) which items may be recommended; item 0 is the most popular.
        codes: (n_items,) int32, the category of every item.
        cap: items per category, 0 for no cap; it gives way when nothing else is left.
        k: recommendations to choose from them.

    Returns:
        The candidates, lengthened where they did not suffice, ascending.
    """
    if _room(codes[items], cap) >= k:
        return items
    remaining = eligible.copy()
    remaining[items] = False
    ordered = np.concatenate([items, np.flatnonzero(remaining).astype(np.int32)])
    within = cap_categories(codes[ordered], cap)
    missing = k - int(within[: len(items)].sum())
    added, surplus = (
        ordered[len(items) :][within[len(items) :] == is_in] for is_in in (True, False)
    )
    added = added[:missing]
    return np.sort(np.concatenate([items, added, surplus[: max(0, k - len(items) - len(added))]]))


def _room(codes: Int32, cap: int) -> int:
    """How many of these candidates a cap lets through."""
    return int(cap_categories(codes, cap).sum()) if cap else len(codes)
