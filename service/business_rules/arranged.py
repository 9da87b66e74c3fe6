"""A list as the rules have it."""

from typing import NamedTuple

from service.support.array_types import Positions

__all__ = ["Arranged"]


class Arranged(NamedTuple):
    """A list as the rules have it.

    Attributes:
        chosen: positions of the candidates, in the order of the list.
        pinned: the name of the pin by position, for those that were pinned.
    """

    chosen: Positions
    pinned: dict[int, str]
