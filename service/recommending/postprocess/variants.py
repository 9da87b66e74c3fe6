"""Variants: products of one group, such as the sizes of a shirt.

A list has only so many of a group, by default one, and none of the basket's groups.
"""

from typing import Self

import numpy as np

from service.bundle.bundle import Bundle
from service.bundle.taxonomy import Level
from service.recommending.postprocess.category_cap import cap_categories
from service.support.arrays.array_types import Bool, Int32, Positions


class Variants:
    """The groups of a catalogue; an item without a group is a variant of no other."""

    def __init__(self, groups: Level) -> None:
        """Prepares what all requests share."""
        self._codes = groups.codes
        self._members = list(groups.members.values())

    @classmethod
    def read(cls, bundle: Bundle) -> Self | None:
        """The groups of a bundle; None if its products have none."""
        groups = Level.of(bundle.catalogue.groups or ())
        return cls(groups) if groups.names else None

    def leave_out(self, eligible: Bool, basket: Int32) -> None:
        """Marks the groups of the basket's items as not eligible, (n_items,), in place."""
        for code in np.unique(self._codes[basket]):
            if code >= 0:
                eligible[self._members[code]] = False

    def to_fill(self, items: Int32, eligible: Bool, cap: int, k: int) -> tuple[Bool, int]:
        """With what to lengthen candidates of which no list of k within the cap can be made.

        Args:
            items: (n,) int32, distinct candidates.
            eligible: (n_items,) which items may be recommended.
            cap: items of a group.
            k: recommendations wanted.

        Returns:
            Which items may be added, (n_items,), and how many candidates there should be.
        """
        room = int(cap_categories(self._codes[items], cap).sum())
        if room >= k:
            return eligible, k
        others = eligible.copy()
        others[items] = False
        ordered = np.concatenate([items, np.flatnonzero(others).astype(np.int32)])
        within = cap_categories(self._codes[ordered], cap)
        others[:] = False
        others[ordered[within]] = True
        return others, k + len(items) - room

    def best(self, items: Int32, ranked: Positions, cap: int, first: Bool | None) -> Positions:
        """The places of the best candidates of each group, best first.

        Args:
            items: (n,) int32, the candidates.
            ranked: (n,) indices into `items`, best first.
            cap: items of a group.
            first: (n,) candidates that come before others of their group; None for none.
        """
        order = ranked
        if first is not None:
            order = np.concatenate([ranked[first[ranked]], ranked[~first[ranked]]])
        kept = np.zeros(len(items), np.bool_)
        kept[order] = cap_categories(self._codes[items[order]], cap)
        best: Positions = ranked[kept[ranked]]
        return best
