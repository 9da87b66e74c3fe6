"""Finding the users of a bundle by their ids."""

from collections.abc import Iterator
from itertools import chain, islice
from typing import NamedTuple

import numpy as np

from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile
from service.support.arrays.offsets import offsets

_LOOKED_AT = 1000  # users of one search that may turn out to be forgotten
_BEFORE = "\n"  # each id; it is in none


class FoundUser(NamedTuple):
    """A user whose id has what was searched for, and what the bundle knows of it."""

    user_id: str
    profile: Profile


class UserSearch:
    """The users of a bundle; their ids stand in one text, which is searched fast."""

    def __init__(self, user_ids: list[str], profiles: BundleProfiles) -> None:
        self._user_ids = user_ids
        self._profiles = profiles
        self._text = "".join(f"{_BEFORE}{each}" for each in user_ids)
        self._starts = offsets([len(each) + 1 for each in user_ids])

    def matching(self, query: str, limit: int) -> list[FoundUser]:
        """Return users whose id contains a text: that id itself, ids that begin with it, others.

        Users without a purchase in the catalogue, and forgotten ones, are not found.
        """
        if _BEFORE in query:
            return []
        rows = (self._user_ids[row] for row in self._rows(f"{_BEFORE}{query}", query))
        ids = islice(dict.fromkeys(chain([query], islice(rows, _LOOKED_AT))), _LOOKED_AT)
        found = ((each, self._profiles.get(each)) for each in ids)
        known = (FoundUser(each, profile) for each, profile in found if profile is not None)
        return list(islice(known, limit))

    def _rows(self, *parts: str) -> Iterator[int]:
        """Yield the rows of users with the first part, then those with the next."""
        for part in parts:
            position = self._text.find(part)
            while 0 <= position < len(self._text):
                row = int(np.searchsorted(self._starts, position, side="right")) - 1
                yield row
                position = self._text.find(part, int(self._starts[row + 1]))
