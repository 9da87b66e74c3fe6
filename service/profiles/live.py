"""Live profiles: those of a bundle, with the purchases since its build."""

import logging
from functools import lru_cache, partial

from service.bundle.bundle import Bundle
from service.events.errors import JournalError
from service.events.journal import Journal
from service.profiles.profile import Profile, ProfileSource, Since, all_count
from service.profiles.updates import ProfileUpdates

_logger = logging.getLogger(__name__)

_KEPT = 1024  # profiles of users who bought since the build, some 20 KB each


class LiveProfiles:
    """Profiles that include the purchases in the journal at the time of reading."""

    def __init__(
        self,
        bundle: Bundle,
        profiles: ProfileSource,
        journal: Journal,
        since: Since = all_count,
    ) -> None:
        """Prepares what all users share; some milliseconds for 20,000 items.

        Args:
            bundle: the bundle that answers.
            profiles: where the profiles of users without new purchases are read.
            journal: the purchases.
            since: which of them count.

        Raises:
            BundleInvalidError: the manifest lacks the half-life of purchases.
        """
        self._profiles = profiles
        self._journal = journal
        self._since = since
        # Events are never changed, so the number of the newest one is a key for all that count. (A
        # bound method here would be a reference cycle and keep an old bundle in memory.)
        updates = ProfileUpdates(bundle, since)
        self._updated = lru_cache(_KEPT)(partial(_updated, updates, journal))

    def get(self, user_id: str) -> Profile | None:
        """Returns the user's profile; None for a user without any purchase in the catalogue.

        If the journal fails, it is the bundle's profile, marked as `fallback`.
        """
        try:
            newest = self._journal.last_seq(user_id)
            if newest is not None:
                return self._updated(user_id, newest, self._since(user_id))
        except JournalError as error:
            _logger.warning("purchases not read: %s", error)
            profile = self._profiles.get(user_id)
            return profile and profile._replace(fallback=True)
        return self._profiles.get(user_id)


def _updated(
    updates: ProfileUpdates, journal: Journal, user_id: str, _newest: int, since: int | None
) -> Profile | None:
    purchases = journal.purchases(user_id)
    return updates.profile(user_id, [p for p in purchases if p.timestamp >= (since or 0)])
