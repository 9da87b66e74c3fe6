"""Forgetting: a user becomes a stranger, and what is known of the user is deleted.

The first step is a line in the list of forgotten users. From then on the user is a stranger in all
processes that answer from these bundles, and for builds. If the rest fails or is interrupted, it is
done later: events are purged with every export, and profiles on memcached when their bundle is
loaded.
"""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from service.bundle.errors import BundleError
from service.bundle.manifest import MANIFEST, Manifest
from service.events.errors import JournalError
from service.profiles.store.errors import ProfileStoreError
from service.settings import Settings
from service.support.forgotten_users import ForgottenUsers

if TYPE_CHECKING:
    from service.events.stream import PurchaseStream


class ForgettingError(Exception):
    """A user is not forgotten, or not all is deleted yet; the message says which."""


class Forgetting:
    """Forgets users in all places that the settings name."""

    def __init__(self, settings: Settings, stream: "PurchaseStream | None") -> None:
        self._memcached = settings.memcached
        self._users = ForgottenUsers.beside(settings.bundle)
        self._stream = stream

    def forget(self, user_id: str) -> int:
        """Forgets a user, who need not be known; may take seconds.

        Returns:
            The epoch second from which purchases count again: the present one, or that after the
            latest purchase that is known.

        Raises:
            ForgettingError: the user is not forgotten, or not all is deleted yet.
        """
        try:
            latest = self._stream.journal.last_moment(user_id) if self._stream else None
            moment = max(int(time.time()), -1 if latest is None else latest + 1)
            self._users.add(user_id, moment)
        except (OSError, JournalError) as error:
            raise ForgettingError(f"The user is not forgotten: {error}.") from error
        try:
            if self._stream is not None:
                self._stream.purging.purge()
            if self._memcached is not None:
                self._delete_profiles(self._memcached, user_id)
        except (OSError, JournalError, ProfileStoreError) as error:
            message = f"The user is a stranger from now on, but not all is deleted yet: {error}."
            raise ForgettingError(f"{message} Forget the user again.") from error
        return moment

    def _delete_profiles(self, servers: str, user_id: str) -> None:
        from service.profiles.store.codec import profile_key, secret_of
        from service.profiles.store.memcached import delete_everywhere

        keys = {
            profile_key(each.bundle_id, secret_of(each), user_id)
            for each in _manifests(self._users.directory)
        }
        delete_everywhere(servers, sorted(keys))


def _manifests(bundles: Path) -> Iterator[Manifest]:
    """Yield the manifests of all bundles in a directory; broken ones are read by nobody."""
    for path in bundles.glob(f"*/{MANIFEST}"):
        try:
            yield Manifest.read(path)
        except (BundleError, OSError):
            continue
