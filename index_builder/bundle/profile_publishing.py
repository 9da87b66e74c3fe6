"""A bundle's profiles, to the servers that keep them."""

import re
from collections.abc import Iterator
from contextlib import closing
from itertools import islice
from typing import NamedTuple

from pymemcache import HashClient, MemcacheServerError

from service.bundle.bundle import Bundle
from service.profiles.bundle_profiles import BundleProfiles
from service.profiles.store.codec import encode, profile_key
from service.profiles.store.errors import ProfileStoreError
from service.profiles.store.memcached import FAILURES, connect, too_large
from service.settings import SERVERS

_PATIENCE_S = 5.0
_AT_ONCE = 200


class Published(NamedTuple):
    """How many profiles were published, their size, and how many were too large for it."""

    profiles: int
    size_bytes: int
    too_large: int


def publish_profiles(bundle: Bundle, servers: str) -> Published:
    """Puts a bundle's profiles on memcached, and sees that they are there.

    Profiles beyond the servers' limit for one value are left out: the bundle's own will answer.

    Args:
        bundle: whose profiles.
        servers: `host:port`, several between commas.

    Raises:
        ProfileStoreError: these are no servers, one of them failed, or there is no room for all.
    """
    if not re.fullmatch(SERVERS, servers):
        raise ProfileStoreError(
            f"Expected servers as host:port, several between commas, found {servers!r}."
        )
    stored: dict[str, int] = {}
    left_out = kept = 0
    try:
        with closing(connect(servers, _PATIENCE_S)) as client:
            for values in _batches(bundle):
                sizes = _store(client, values)
                stored |= sizes
                left_out += len(values) - len(sizes)
            # What came late may have driven out what was there: memcached does not say so.
            keys = iter(stored)
            while several := list(islice(keys, _AT_ONCE)):
                kept += len(client.get_many(several))
    except FAILURES as error:
        raise ProfileStoreError(f"{servers}: {type(error).__name__}: {error}") from error
    size_bytes = sum(stored.values())
    if kept < len(stored):
        raise ProfileStoreError(
            f"{servers}: expected {len(stored):,} profiles ({size_bytes / 1e6:.1f} MB), "
            f"found {kept:,}. Give memcached more memory (-m), or add a server."
        )
    return Published(len(stored), size_bytes, left_out)


def _batches(bundle: Bundle) -> Iterator[dict[str, bytes]]:
    profiles, users = BundleProfiles(bundle), iter(bundle.user_ids)
    while several := list(islice(users, _AT_ONCE)):
        values = {}
        for user_id in several:
            profile = profiles.get(user_id)
            if profile is not None:
                key = profile_key(bundle.bundle_id, user_id)
                values[key] = encode(profile, key)
        yield values


def _store(client: HashClient, values: dict[str, bytes]) -> dict[str, int]:
    """Store them at once, or one by one if some are too large; return the sizes of the others."""
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
