"""The levels of a shop's taxonomy as codes, the same for builder and service."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from service.bundle.catalogue import Catalogue
from service.support.array_types import Int32

__all__ = ["Level", "taxonomy_levels"]


class Level(NamedTuple):
    """One level.

    Attributes:
        names: in the order in which they first appear in the catalogue.
        codes: (n_items,) int32, the place of each item's name among them; -1 for none.
    """

    names: list[str]
    codes: Int32


def taxonomy_levels(catalogue: Catalogue) -> dict[str, Level]:
    """Return department, category and subcategory, by these names, in this order."""
    return {
        "department": _level(catalogue.departments),
        "category": _level(catalogue.categories),
        "subcategory": _level(catalogue.subcategories),
    }


def _level(names: Sequence[str]) -> Level:
    codes = {name: code for code, name in enumerate(dict.fromkeys(filter(None, names)))}
    of_items = [codes.get(name, -1) for name in names]
    return Level(list(codes), np.array(of_items, np.int32))
