"""The recommendations of a list, chosen and ordered by business rules."""

from typing import NamedTuple

from service.support.arrays.array_types import Positions


class Arranged(NamedTuple):
    """The recommendations of a list.

    Attributes:
        chosen: (k,) indices into the candidates, in the order of the list.
        pinned: the name of the pin that placed a candidate, by the candidate's index.
    """

    chosen: Positions
    pinned: dict[int, str]
