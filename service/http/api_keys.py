"""API keys: who may ask for what, as a file tells it, which holds the keys' hashes alone."""

import tomllib
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.support.invalid_fields import TEXT, field_error

ApiScope = Literal["recommend", "profiles", "events", "admin"]
"""What a key opens: products (`recommend`), shoppers (`profiles`), purchases, the service."""


class ApiKeysError(Exception):
    """A file of API keys that cannot be used."""


class ApiKey(BaseModel):
    """One key."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1, max_length=64, description="Whose it is, as logs show it.")
    # A key is random and long: nothing is gained by a slow hash, which passwords need.
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the key, in hex.")
    scopes: frozenset[ApiScope] = Field(min_length=1)
    limit_per_s: int | None = Field(
        None, ge=1, description="Requests a second, of each worker; null sets no limit."
    )


class _KeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid")

    keys: list[ApiKey]


def read_api_keys(path: Path) -> list[ApiKey]:
    """Return the keys of a TOML file: a table `[[keys]]` for each, with the fields of `ApiKey`.

    Raises:
        ApiKeysError: the file is missing, not TOML, or not of this form.
    """
    try:
        keys = _KeyFile.model_validate(tomllib.loads(path.read_text())).keys
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ApiKeysError(f"{path}: expected a TOML file of API keys; {error}.") from error
    except ValidationError as error:
        wrong = field_error(error.errors()[0], TEXT)
        # Without what was found: that may be a key, written in the place of its hash.
        raise ApiKeysError(f"{path}: {wrong.field}: expected {wrong.expected}.") from None
    for field in ("name", "sha256"):
        if len({getattr(key, field) for key in keys}) < len(keys):
            raise ApiKeysError(f"{path}: expected each {field} once; found one of them twice.")
    return keys
