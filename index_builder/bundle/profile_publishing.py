"""The publishing of a bundle's profiles to memcached."""

import re
from collections.abc import Iterator
from contextlib import closing
from typing import NamedTuple

from pymemcache import HashClient, MemcacheServerError

from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.store.codec import ProfileCodec
from service.profiles.store.errors import ProfileStoreError
from service.profiles.store.memcached import FAILURES, connect, too_large
from service.settings import SERVERS
from service.support.forgotten_users import ForgottenUsers

_TIMEOUT_S = 5.0
_BATCH = 200  # profiles written or read at once


class Published(NamedTuple):
    """The profiles that were published, their size, and the number that was too large."""

    profiles: int
    size_bytes: int
    too_large: int


def publish_profiles(bundle: Bundle, servers: str) -> Published:
    """Writes a bundle's profiles to memcached, and checks that they are there.

    Profiles above the servers' limit for one value are left out, since the service has the bundle's
    own, and those of forgotten users.

    Args:
        bundle: the bundle.
        servers: `host:port`, several between commas.

    Raises:
        ProfileStoreError: `servers` is malformed, a server failed, or memory is too small for all.
    """
    if not re.fullmatch(SERVERS, servers):
        raise ProfileStoreError(
            f"Expected servers as host:port, several between commas, found {servers!r}."
        )
    stored: list[str] = []
    size_bytes = left_out = kept = 0
    try:
        with closing(connect(servers, _TIMEOUT_S)) as client:
            for values in _batches(bundle):
                sizes = _store(client, values)
                stored += sizes
                size_bytes += sum(sizes.values())
                left_out += len(values) - len(sizes)
            # Later values may have evicted earlier ones, which memcached does not report.
            for start in range(0, len(stored), _BATCH):
                kept += len(client.get_many(stored[start : start + _BATCH]))
    except FAILURES as error:
        raise ProfileStoreError(f"{servers}: {type(error).__name__}: {error}") from error
    if kept < len(stored):
        raise ProfileStoreError(
            f"{servers}: expected {len(stored):,} profiles ({size_bytes / 1e6:.1f} MB), "
            f"found {kept:,}. Give memcached more memory (-m), or add a server."
        )
    return Published(len(stored), size_bytes, left_out)


def _batches(bundle: Bundle) -> Iterator[dict[str, bytes]]:
    forgotten, codec = ForgottenUsers.beside(bundle.path), ProfileCodec(bundle)
    for start in range(0, len(bundle.user_ids), _BATCH):
        profiles = BundleProfiles(bundle, forgotten.now().since)
        values = {}
        for user_id in bundle.user_ids[start : start + _BATCH]:
            profile = profiles.get(user_id)
            if profile is not None:
                key = codec.key(user_id)
                values[key] = codec.encode(profile, key)
        yield values


def _store(client: HashClient, values: dict[str, bytes]) -> dict[str, int]:
    """Stores values at once, or one by one if some are too large; returns the stored sizes."""
    try:
        client.set_many(values, noreply=False)
    except MemcacheServerError as error:
        if not too_large(error):
            raise
        return {key: len(value) for key, value in values.items() if _store_one(client, key, value)}
    return {key: len(value) for key, value in values.items()}


def _store_one(client: HashClient, key: str, value: bytes) -> bool:
    try:
        client.set(key, value, noreply=False)
    except MemcacheServerError as error:
        if not too_large(error):
            raise
        return False
    return True
