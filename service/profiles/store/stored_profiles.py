"""Profiles from a store, and from the bundle when the store fails."""

import asyncio
import logging
from collections.abc import Callable
from contextvars import ContextVar

from service.profiles.profile import Profile, ProfileSource, Since, all_count, begins_before
from service.profiles.store.circuit import Turn
from service.profiles.store.codec import ProfileCodec, ProfileCodecError
from service.profiles.store.errors import ProfileStoreError, ProfileTooLargeError
from service.profiles.store.memcached import Memcached

_logger = logging.getLogger(__name__)

# Set only in the store's threads, where a read may wait.
_turn: ContextVar[Turn | None] = ContextVar("turn", default=None)


class StoredProfiles:
    """The profiles of a bundle, read from a store."""

    def __init__(
        self,
        store: Memcached,
        local: ProfileSource,
        codec: ProfileCodec,
        observe: Callable[[str], None],
        since: Since = all_count,
    ) -> None:
        """Prepares.

        Args:
            store: where the profiles are.
            local: the bundle's profiles, for when the store fails.
            codec: of the bundle.
            observe: called with the result of each read: `found`, `unknown` (no such user),
                `missing` (the store has lost the profile), `damaged` (the value is no profile of
                this user), `failed`, `open` (not asked, after too many failures) or `late` (the
                answer came after the time limit).
            since: as in `BundleProfiles`, which should have the same.
        """
        self._store = store
        self._local = local
        self._codec = codec
        self._observe = observe
        self._since = since
        self._too_large: set[str] = set()

    async def in_time(self, source: ProfileSource, user_id: str) -> Profile | None:
        """Returns the user's profile from `source`, which asks the store by `get`.

        It waits no longer than a connection and an answer may take together, and then returns the
        bundle's profile. While the store is left alone, it does not wait at all.
        """
        store = self._store
        turn = store.circuit.turn()
        if turn is None:
            return source.get(user_id)
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(store.patience_s):
                return await loop.run_in_executor(store.threads, _ask, source, user_id, turn)
        except TimeoutError:
            turn.failed = True
            return self._fall_back(user_id, "late")
        finally:
            store.circuit.over(turn)

    def get(self, user_id: str) -> Profile | None:
        """Returns the user's profile, or None; one from the bundle is marked as `fallback`.

        The store is only asked within `in_time`, in one of the store's threads. A profile that is
        missing there or damaged is stored again.
        """
        turn = _turn.get()
        if turn is None:
            return self._fall_back(user_id, "open")
        key = self._codec.key(user_id)
        try:
            value = self._store.read(key)
        except ProfileStoreError as error:
            turn.failed = True
            _logger.warning("profile store failed: %s", error)
            return self._fall_back(user_id, "failed")
        turn.failed = False
        if value is None:
            return self._give(key, user_id, "missing", self._store.restore)
        try:
            profile = self._codec.decode(value, key)
        except ProfileCodecError as error:
            _logger.warning("profile damaged: %s", error)
            return self._give(key, user_id, "damaged", self._store.replace)
        self._observe("found")
        moment = self._since(user_id)
        return None if moment is not None and begins_before(profile, moment) else profile

    def _fall_back(self, user_id: str, why: str) -> Profile | None:
        own = self._local.get(user_id)
        self._observe("unknown" if own is None and why == "missing" else why)
        return None if own is None else own._replace(fallback=True)

    def _give(
        self, key: str, user_id: str, why: str, write: Callable[[str, bytes], None]
    ) -> Profile | None:
        """Fall back to the bundle's profile, and store it.

        If a server is full, the user's next request tries again.
        """
        own = self._fall_back(user_id, why)
        if own is None or user_id in self._too_large:
            return own
        try:
            write(key, self._codec.encode(own, key))
            if self._local.get(user_id) is None:  # the user was forgotten meanwhile
                self._store.delete(key)
        except ProfileStoreError as error:
            _logger.warning("profile not restored: %s", error)
            if isinstance(error, ProfileTooLargeError):
                self._too_large.add(user_id)
        return own


def _ask(source: ProfileSource, user_id: str, turn: Turn) -> Profile | None:
    _turn.set(turn)
    return source.get(user_id)
