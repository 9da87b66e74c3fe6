"""Eligibility: which items may be recommended for one request."""

from collections.abc import Iterable

import numpy as np

from service.bundle.catalogue import Catalogue
from service.support.array_types import Bool, Int32


def eligible_items(
    catalogue: Catalogue,
    basket: Int32,
    exclude_items: Iterable[str],
    exclude_categories: Iterable[str],
    allowed: Bool | None = None,
) -> Bool:
    """Which items may be recommended, shape (n_items,).

    Args:
        catalogue: of the bundle.
        basket: item indices that are in the basket already.
        exclude_items: item ids to leave out; unknown ones leave nothing out.
        exclude_categories: names to leave out, of any taxonomy level.
        allowed: (n_items,) what the business rules allow; None for everything.
    """
    eligible = np.ones(len(catalogue), np.bool_) if allowed is None else allowed.copy()
    eligible[basket] = False
    eligible[catalogue.look_up(exclude_items)[0]] = False
    for name in catalogue.members.keys() & exclude_categories:
        eligible[catalogue.members[name]] = False
    return eligible
