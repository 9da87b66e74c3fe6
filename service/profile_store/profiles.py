"""Profiles that servers keep, and the bundle's own where these fail."""

import asyncio
import logging
from collections.abc import Callable

from service.profile_store import ProfileStoreError, ProfileStoreOpenError
from service.profile_store.codec import profile_key
from service.profile_store.memcached import Memcached
from service.profiles import Profile, ProfileSource

__all__ = ["StoredProfiles"]

_logger = logging.getLogger(__name__)


class StoredProfiles:
    """The profiles of a bundle, as a store has them."""

    def __init__(
        self, store: Memcached, local: ProfileSource, bundle_id: str, observe: Callable[[str], None]
    ) -> None:
        """Prepares.

        Args:
            store: where the profiles are.
            local: the bundle's own, for when the store fails.
            bundle_id: of the bundle.
            observe: is told how each read went: `found`, `unknown` (there is no such user),
                `missing` (the store has lost the profile), `failed`, `open` (not asked, since it
                failed too often), or `late` (nobody waited any longer).
        """
        self._store = store
        self._local = local
        self._bundle_id = bundle_id
        self._observe = observe

    def get(self, user_id: str) -> Profile | None:
        """Returns the user's profile, or None; one of the bundle's own is marked as `fallback`.

        It waits for the network. A profile that the store has lost is given to it again.
        """
        key = profile_key(self._bundle_id, user_id)
        try:
            profile = self._store.read(key)
        except ProfileStoreOpenError:
            return self._fall_back(user_id, "open")
        except ProfileStoreError as error:
            _logger.warning("profile store failed: %s", error)
            return self._fall_back(user_id, "failed")
        if profile is not None:
            self._observe("found")
            return profile
        own = self._fall_back(user_id, "missing")
        if own is not None:
            self._restore(key, own)
        return own

    async def in_time(self, source: ProfileSource, user_id: str) -> Profile | None:
        """Returns the user's profile from `source`, which asks the store, and may wait for it.

        Whatever happens there, it is only waited for as long as a connection and an answer may
        take together; then the bundle's own has to do.
        """
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._store.patience_s):
                return await loop.run_in_executor(self._store.threads, source.get, user_id)
        except TimeoutError:
            return self._fall_back(user_id, "late")

    def _fall_back(self, user_id: str, why: str) -> Profile | None:
        own = self._local.get(user_id)
        self._observe("unknown" if own is None and why == "missing" else why)
        return None if own is None else own._replace(fallback=True)

    def _restore(self, key: str, profile: Profile) -> None:
        try:
            self._store.restore(key, profile)
        except ProfileStoreError as error:
            _logger.warning("profile not restored: %s", error)
