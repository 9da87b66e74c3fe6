"""API keys: a file with the name, hash, scopes and rate limit of each key."""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from service.support.files import read_regular
from service.support.invalid_fields import TEXT, field_error

ApiScope = Literal["recommend", "profiles", "events", "forget", "admin"]
"""Groups of routes: about items (`recommend`), users (`profiles`), purchases, the service.

The scopes of `ALWAYS_GUARDED` always need a key.
"""

ALWAYS_GUARDED = frozenset[ApiScope](["forget", "admin"])
"""Scopes of routes that are off until a key opens them: they destroy, or show the service."""


_ORIGIN = r"^https?://[a-z0-9._-]+(:[0-9]+)?$|^https?://\[[0-9a-f:]+\](:[0-9]+)?$"
_FILE_LIMIT_BYTES = 1 << 20
# Hashes of what a shell hashes in place of a key, such as of a variable that is not set.
_NO_KEYS = {sha256(text.encode()).hexdigest() for text in ("", " ", "\n", "\r\n", "\t", "-n", "\0")}


class ApiKeysError(Exception):
    """A file of API keys that cannot be used."""


class ApiKey(BaseModel):
    """One key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64, description="Name in the log.")
    # Keys are long and random, so that they do not need the slow hash that passwords need.
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the key, in hex.")
    scopes: frozenset[ApiScope] = Field(min_length=1)
    limit_per_s: int | None = Field(
        None, ge=1, le=1_000_000, description="Requests per second and worker; null sets no limit."
    )

    origins: frozenset[Annotated[str, StringConstraints(pattern=_ORIGIN)]] | None = Field(
        None,
        min_length=1,
        description="Origins of pages that may use the key, `https://shop.example`; null for a key "
        "that no browser holds.",
    )

    def opens(self, wanted: ApiScope, origin: str | None) -> bool:
        """Return whether the key opens routes of a scope to a page of this origin, or to nobody's.

        A browser tells the origin and lets no page choose it; other programs can send any.
        """
        return wanted in self.scopes and (self.origins is None or origin in self.origins)

    @field_validator("sha256")
    @classmethod
    def _of_a_key(cls, digest: str) -> str:
        if digest in _NO_KEYS:
            raise ValueError("expected the hash of a key, not of an empty text")
        return digest


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[ApiKey]


def read_api_keys(path: Path) -> list[ApiKey]:
    """Return the keys of a TOML file, which has a table `[[keys]]` for each `ApiKey`.

    Raises:
        ApiKeysError: the file is missing, not TOML, or not of this form.
    """
    try:
        text = read_regular(path, _FILE_LIMIT_BYTES).decode()
        keys = _KeyFile.model_validate(tomllib.loads(text)).keys
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ApiKeysError(f"{path}: expected a TOML file of API keys; {error}.") from error
    except ValidationError as error:
        first = error.errors()[0]
        # What was found is not repeated: it may be a key, in the place of its hash or of a field.
        if first["type"] == "extra_forbidden":
            first |= {"loc": first["loc"][:-1], "type": "no other fields", "msg": "no other fields"}
        wrong = field_error(first, TEXT)
        raise ApiKeysError(f"{path}: {wrong.field}: expected {wrong.expected}.") from None
    for field in ("name", "sha256"):
        if len({getattr(key, field) for key in keys}) < len(keys):
            raise ApiKeysError(f"{path}: expected each {field} once; found one of them twice.")
    return keys
