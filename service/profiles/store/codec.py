"""A profile as bytes, and the key under which it is stored.

    "RTTP", version | d, purchases, baskets, lines | BLAKE2b | Snappy of the arrays

The arrays of 8-byte numbers come first, so that all are aligned. Key and checksum are keyed with a
secret that the builder and the service derive from the bundle. So the store can neither tell whose
a profile is nor make one, and the checksum, which includes the key, refuses another user's.
"""

from hashlib import blake2b
from hmac import compare_digest
from struct import Struct
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from service.bundle.array_checks import check_values
from service.bundle.arrays import LAYOUTS
from service.bundle.bundle import Bundle
from service.bundle.errors import BundleInvalidError
from service.bundle.manifest import Manifest
from service.profiles.profile import Profile
from service.support.arrays.offsets import offsets

_MAGIC, _VERSION = b"RTTP", 2
_HEAD = Struct("<4sHHIII")
_CHECKSUM_BYTES = 16
_START = _HEAD.size + _CHECKSUM_BYTES
_SNAPPY = pa.Codec("snappy")
_SNAPPY_RATIO = 22  # Snappy writes 64 bytes as three at best


_Number = TypeVar("_Number", np.int32, np.int64, np.float32)


class ProfileCodecError(ValueError):
    """The bytes are no profile, one of another user, or one of another version."""


class ProfileCodec:
    """Writes and reads the profiles of one bundle; safe to share between threads."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle_id = bundle.bundle_id
        self._secret = secret_of(bundle.manifest)
        self._lengths = {"items": len(bundle.catalogue), "users": 1, "d": bundle.dimension}
        self._keeps_baskets = bundle.past_indptr is not None

    def key(self, user_id: str) -> str:
        """Return the key of a user's profile."""
        return profile_key(self._bundle_id, self._secret, user_id)

    def encode(self, profile: Profile, key: str) -> bytes:
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
        return head + self._checksum(key, head, body) + body

    def decode(self, value: bytes, key: str) -> Profile:
        """Return the profile that was stored under `key`; its arrays are read-only.

        They are checked like those of a bundle with one user. Errors do not name the key, which
        identifies the user.

        Raises:
            ProfileCodecError: saying what was expected and what was found.
        """
        if len(value) < _START or not value.startswith(_MAGIC):
            raise ProfileCodecError("expected a profile, found other bytes")
        head, body = value[: _HEAD.size], value[_START:]
        _, version, *sizes = _HEAD.unpack(head)
        if version != _VERSION:
            raise ProfileCodecError(f"expected version {_VERSION}, found {version}")
        if not compare_digest(value[_HEAD.size : _START], self._checksum(key, head, body)):
            raise ProfileCodecError("expected another checksum: damaged, or another user's")
        profile = _profile(body, *sizes)
        self._check(profile)
        return profile

    def _checksum(self, key: str, head: bytes, body: bytes) -> bytes:
        checksum = blake2b(key.encode(), key=self._secret, digest_size=_CHECKSUM_BYTES)
        checksum.update(head)
        checksum.update(body)
        return checksum.digest()

    def _check(self, profile: Profile) -> None:
        purchases, baskets = len(profile.items), len(profile.past_begun)
        if not purchases or (baskets > 0) != self._keeps_baskets:
            found = f"{purchases} purchases in {baskets} baskets"
            raise ProfileCodecError(f"expected the profile of a user of this bundle, found {found}")
        arrays: dict[str, npt.NDArray[Any]] = {
            "user_h": profile.user_h[None],
            "history_indptr": offsets([purchases]),
            "history_item": profile.items,
            "history_count": profile.counts,
            "history_recency": profile.recency,
            "history_last": profile.last,
            "past_indptr": offsets([baskets]),
            "past_begun": profile.past_begun,
            "past_item_indptr": profile.past_indptr,
            "past_item": profile.past_items,
        }
        try:
            check_values(arrays, LAYOUTS, self._lengths)
        except BundleInvalidError as error:
            raise ProfileCodecError(str(error).removesuffix(f" {error.remedy}")) from error


def secret_of(manifest: Manifest) -> bytes:
    """Return the secret of a bundle, which only readers of its whole manifest know."""
    return blake2b(manifest.encode()).digest()


def profile_key(bundle_id: str, secret: bytes, user_id: str) -> str:
    """Return the key of a profile; it names the bundle, to which the item indices belong."""
    return f"{bundle_id}:{blake2b(user_id.encode(), key=secret, digest_size=16).hexdigest()}"


def _profile(body: bytes, d: int, purchases: int, baskets: int, lines: int) -> Profile:
    size = 8 * (purchases + 2 * baskets + 1) + 4 * (d + 3 * purchases + lines)
    # Snappy would fill a larger space only in part, and leave the rest as it was in memory.
    if size != _plain_size(body) or size > _SNAPPY_RATIO * len(body):
        raise ProfileCodecError(f"expected {size} bytes in {len(body)}, found another number")
    try:
        plain = _SNAPPY.decompress(body, size, asbytes=True)
    except OSError as error:
        raise ProfileCodecError("expected Snappy, found other bytes") from error
    end = 0

    def read(dtype: type[_Number], count: int) -> npt.NDArray[_Number]:
        nonlocal end
        array = np.frombuffer(plain, dtype, count, end)
        end += array.nbytes
        return array

    return Profile(  # in the order of the columns that were written
        last=read(np.int64, purchases),
        past_begun=read(np.int64, baskets),
        past_indptr=read(np.int64, baskets + 1),
        user_h=read(np.float32, d),
        recency=read(np.float32, purchases),
        items=read(np.int32, purchases),
        counts=read(np.int32, purchases),
        past_items=read(np.int32, lines),
    )


def _plain_size(body: bytes) -> int:
    """Return the size with which Snappy begins: seven bits in each byte, the last one below 128."""
    size = 0
    for place, byte in enumerate(body[:5]):
        size |= (byte & 127) << 7 * place
        if byte < 128:
            break
    return size
