"""A bundle's profiles, to the servers that keep them."""

from collections.abc import Iterator
from itertools import islice
from typing import NamedTuple

from pymemcache import MemcacheError

from service.bundle import Bundle
from service.profile_store import ProfileStoreError
from service.profile_store.codec import encode, profile_key
from service.profile_store.memcached import connect
from service.profiles import Profiles

__all__ = ["Published", "publish_profiles"]

_PATIENCE_S = 5.0
_AT_ONCE = 200


class Published(NamedTuple):
    """How many profiles were published, and their size."""

    profiles: int
    size_bytes: int


def publish_profiles(bundle: Bundle, servers: list[str]) -> Published:
    """Puts a bundle's profiles on memcached, and sees that they are there.

    Args:
        bundle: whose profiles.
        servers: `host:port` each.

    Raises:
        ProfileStoreError: a server failed, or there is no room for all.
    """
    client = connect(servers, _PATIENCE_S)
    keys: list[str] = []
    size_bytes = kept = 0
    try:
        for values in _batches(bundle):
            client.set_many(values, noreply=False)
            keys += values
            size_bytes += sum(map(len, values.values()))
        # What came late may have driven out what was there: memcached does not say so.
        for start in range(0, len(keys), _AT_ONCE):
            kept += len(client.get_many(keys[start : start + _AT_ONCE]))
    except (OSError, MemcacheError) as error:
        raise ProfileStoreError(f"{', '.join(servers)}: {error}") from error
    finally:
        client.close()
    if kept < len(keys):
        raise ProfileStoreError(
            f"{', '.join(servers)}: expected {len(keys):,} profiles ({size_bytes / 1e6:.1f} MB), "
            f"found {kept:,}. Give memcached more memory (-m), or add a server."
        )
    return Published(len(keys), size_bytes)


def _batches(bundle: Bundle) -> Iterator[dict[str, bytes]]:
    profiles, users = Profiles(bundle), iter(bundle.user_ids)
    while several := list(islice(users, _AT_ONCE)):
        values = {}
        for user_id in several:
            profile = profiles.get(user_id)
            if profile is not None:
                key = profile_key(bundle.bundle_id, user_id)
                values[key] = encode(profile, key)
        yield values
