"""Finding the users of a bundle by their ids."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from service.bundle.ids import Ids
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.profile import Profile

_LOOKED_AT = 1000  # users of one search that may turn out to be forgotten


class FoundUser(NamedTuple):
    """A user whose id has what was searched for, and what the bundle knows of it."""

    user_id: str
    profile: Profile


class UserSearch:
    """Searches in the ids of a bundle's users."""

    def __init__(self, user_ids: Sequence[str], profiles: BundleProfiles) -> None:
        self._user_ids = Ids.of(user_ids)
        self._profiles = profiles

    def matching(self, query: str, limit: int) -> list[FoundUser]:
        """Return users whose id contains a text: that id itself, ids that begin with it, others.

        Users without a purchase in the catalogue, and forgotten ones, are not found.
        """
        ids = chain([query], (self._user_ids[row] for row in self._rows(query)))
        found = ((each, self._profiles.get(each)) for each in islice(_once(ids), _LOOKED_AT))
        known = (FoundUser(each, profile) for each, profile in found if profile is not None)
        return list(islice(known, limit))

    def _rows(self, part: str) -> Iterator[int]:
        """Yield rows of users whose id begins with a part, then those that contain it."""
        yield from self._user_ids.beginning_with(part, _LOOKED_AT)
        yield from self._user_ids.containing(part, _LOOKED_AT)


def _once(ids: Iterable[str]) -> Iterator[str]:
    """Yield each id the first time; those that nobody asks for are not looked for."""
    seen: set[str] = set()
    for each in ids:
        if each not in seen:
            seen.add(each)
            yield each
