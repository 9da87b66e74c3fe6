"""The popularity fill: best sellers where a request has too few candidates."""

import numpy as np

from service.recommending.postprocess.category_cap import cap_categories
from service.support.arrays.array_types import Bool, Int32


def top_up(items: Int32, eligible: Bool, codes: Int32, cap: int, k: int) -> Int32:
    """Adds the most popular eligible items until k can be chosen.

    Args:
        items: (n,) int32, distinct eligible candidates, ascending.
        eligible: (n_items,) which items may be recommended; item 0 is the most popular.
        codes: (n_items,) int32, the category of every item.
        cap: items per category, 0 for no cap; it gives way when nothing else is left.
        k: recommendations to choose from them.

    Returns:
        The candidates, lengthened where they did not suffice, ascending.
    """
    room = int(cap_categories(codes[items], cap).sum()) if cap else len(items)
    if room >= k:
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
