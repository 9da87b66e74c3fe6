"""Stored profiles of whoever knows a bundle's secret, with a right checksum around any bytes."""

from hashlib import blake2b
from struct import Struct

import pyarrow as pa

from service.bundle.manifest import Manifest
from service.profiles.store.codec import secret_of

HEAD = Struct("<4sHHIII")
SNAPPY = pa.Codec("snappy")


def taken_apart(value: bytes) -> tuple[bytes, bytes]:
    """The head and the arrays of a stored profile."""
    body = value[HEAD.size + 16 :]
    _, _, d, purchases, baskets, lines = HEAD.unpack_from(value)
    size = 8 * (purchases + 2 * baskets + 1) + 4 * (d + 3 * purchases + lines)
    return value[: HEAD.size], SNAPPY.decompress(body, size, asbytes=True)


def signed(head: bytes, body: bytes, key: str, manifest: Manifest) -> bytes:
    """The value with a right checksum; the body is compressed already."""
    secret = secret_of(manifest)
    checksum = blake2b(key.encode() + head + body, key=secret, digest_size=16).digest()
    return head + checksum + body


def forged(head: bytes, plain: bytes, key: str, manifest: Manifest) -> bytes:
    """The value of these arrays, with a right checksum."""
    return signed(head, SNAPPY.compress(plain, asbytes=True), key, manifest)
