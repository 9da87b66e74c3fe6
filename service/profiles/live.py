"""Live profiles: those of a bundle, and what happened since."""

import logging
from functools import lru_cache, partial

from service.bundle.bundle import Bundle
from service.events.journal import Journal, JournalError
from service.profiles.profile import Profile, ProfileSource
from service.profiles.updates import ProfileUpdates

__all__ = ["LiveProfiles"]

_logger = logging.getLogger(__name__)

_KEPT = 1024  # shoppers who bought lately and come back: some 20 KB each


class LiveProfiles:
    """Profiles with the journal's purchases in them, as of the moment they are asked for."""

    def __init__(self, bundle: Bundle, profiles: ProfileSource, journal: Journal) -> None:
        """Prepares what all users share; some milliseconds for 20,000 items.

        Args:
            bundle: what the purchases came after.
            profiles: of those who bought nothing since.
            journal: what was bought.

        Raises:
            BundleInvalidError: the bundle does not say how fast purchases fade.
        """
        self._profiles = profiles
        self._journal = journal
        # Events only ever come, so the newest says which there are. (A method of this object would
        # make a cycle, and keep the bundle in memory when it is no longer served.)
        self._updated = lru_cache(_KEPT)(partial(_updated, ProfileUpdates(bundle), journal))

    def get(self, user_id: str) -> Profile | None:
        """Returns the user's profile; None for a user without any purchase in the catalogue.

        Where the journal fails it is the bundle's, marked as `fallback`.
        """
        try:
            newest = self._journal.last_seq(user_id)
            if newest is not None:
                return self._updated(user_id, newest)
        except JournalError as error:
            _logger.warning("purchases not read: %s", error)
            profile = self._profiles.get(user_id)
            return profile and profile._replace(fallback=True)
        return self._profiles.get(user_id)


def _updated(
    updates: ProfileUpdates, journal: Journal, user_id: str, _newest: int
) -> Profile | None:
    return updates.profile(user_id, journal.purchases(user_id))
