"""Eligibility: which items may be in an answer.

Whatever gives items to a client, on whichever route, is given this mask and keeps to it.
"""

from collections.abc import Iterable

import numpy as np

from service.bundle.catalogue import Catalogue
from service.support.array_types import Bool, Int32


def eligible_items(
    catalogue: Catalogue,
    given: Int32,
    exclude_items: Iterable[str] = (),
    exclude_categories: Iterable[str] = (),
    allowed: Bool | None = None,
) -> Bool:
    """Which items may be in an answer, shape (n_items,).

    Args:
        catalogue: of the bundle.
        given: item indices that the request names, such as those of its basket.
        exclude_items: item ids to leave out; unknown ones leave nothing out.
        exclude_categories: names to leave out, of any taxonomy level.
        allowed: (n_items,) what business rules and stock allow; None for everything.
    """
    eligible = np.ones(len(catalogue), np.bool_) if allowed is None else allowed.copy()
    eligible[given] = False
    eligible[catalogue.look_up(exclude_items)[0]] = False
    for name in catalogue.members.keys() & exclude_categories:
        eligible[catalogue.members[name]] = False
    return eligible
