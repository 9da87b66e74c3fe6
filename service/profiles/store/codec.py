"""A profile as bytes, and the key under which it is stored.

    "RTTP", version | d, purchases, baskets, lines | CRC-32 | Snappy of the arrays

The arrays of 8-byte numbers come first, so that all are aligned. The checksum includes the key, so
that the profile of another user is refused.
"""

from hashlib import blake2b
from struct import Struct
from zlib import crc32

import numpy as np
import pyarrow as pa

from service.profiles.profile import Profile

_MAGIC, _VERSION = b"RTTP", 1
_HEAD = Struct("<4sHHIII")
_CHECKSUM = Struct("<I")
_START = _HEAD.size + _CHECKSUM.size
_SNAPPY = pa.Codec("snappy")


class ProfileCodecError(ValueError):
    """The bytes are no profile, one of another user, or one of another version."""


def profile_key(bundle_id: str, user_id: str) -> str:
    """Return the key of a profile; it names the bundle, to which the item indices belong."""
    return f"{bundle_id}:{blake2b(user_id.encode(), digest_size=16).hexdigest()}"


def encode(profile: Profile, key: str) -> bytes:
    """Return the bytes of a profile that is to be stored under `key`."""
    first, last = int(profile.past_indptr[0]), int(profile.past_indptr[-1])
    sizes = len(profile.user_h), len(profile.items), len(profile.past_begun), last - first
    columns = (
        profile.last,
        profile.past_begun,
        profile.past_indptr - first,
        profile.user_h,
        profile.recency,
        profile.items,
        profile.counts,
        profile.past_items[first:last],
    )
    head = _HEAD.pack(_MAGIC, _VERSION, *sizes)
    plain = b"".join(column.tobytes() for column in columns)
    body: bytes = _SNAPPY.compress(plain, asbytes=True)
    return head + _CHECKSUM.pack(_checksum(key, head, body)) + body


def decode(value: bytes, key: str) -> Profile:
    """Return the profile that was stored under `key`; its arrays are read-only.

    Raises:
        ProfileCodecError: saying what was expected and what was found.
    """
    if len(value) < _START or not value.startswith(_MAGIC):
        raise ProfileCodecError(f"{key}: expected a profile, found {value[:16]!r}")
    head, body = value[: _HEAD.size], value[_START:]
    _, version, d, purchases, baskets, lines = _HEAD.unpack(head)
    if version != _VERSION:
        raise ProfileCodecError(f"{key}: expected version {_VERSION}, found {version}")
    if _CHECKSUM.unpack_from(value, _HEAD.size) != (_checksum(key, head, body),):
        raise ProfileCodecError(f"{key}: expected another checksum: damaged, or another user's")
    wide, narrow = purchases + 2 * baskets + 1, d + 3 * purchases + lines
    plain = _SNAPPY.decompress(body, 8 * wide + 4 * narrow, asbytes=True)
    last, past_begun, past_indptr = np.split(
        np.frombuffer(plain, np.int64, wide), np.cumsum([purchases, baskets])
    )
    numbers = np.frombuffer(plain, np.int32, narrow, 8 * wide)
    user_h, recency, items, counts, past_items = np.split(
        numbers, np.cumsum([d, purchases, purchases, purchases])
    )
    return Profile(
        user_h=user_h.view(np.float32),
        items=items,
        counts=counts,
        recency=recency.view(np.float32),
        last=last,
        past_begun=past_begun,
        past_indptr=past_indptr,
        past_items=past_items,
    )


def _checksum(key: str, head: bytes, body: bytes) -> int:
    return crc32(body, crc32(head, crc32(key.encode())))
