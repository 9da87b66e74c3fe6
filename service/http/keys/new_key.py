"""`rtt2vec-serve new-key`: a random API key, and its entry in the file of keys."""

import argparse
import json
from collections.abc import Sequence
from hashlib import sha256
from secrets import token_urlsafe
from typing import get_args

from pydantic import ValidationError

from service.http.keys.api_keys import ApiKey, ApiScope
from service.support.invalid_fields import TEXT, field_error

_BYTES = 32  # nobody can guess so many


def new_key(arguments: Sequence[str]) -> str:
    """Return a new key and its entry, as text to print.

    Exits with 2 if the arguments are invalid.
    """
    parser = argparse.ArgumentParser(
        prog="rtt2vec-serve new-key",
        description="Make an API key. It is printed once and stored nowhere.",
    )
    parser.add_argument("--name", default="shop", help="its name in the log (%(default)s)")
    parser.add_argument(
        "--scope",
        dest="scopes",
        action="append",
        choices=get_args(ApiScope),
        help="routes that it opens; may be given several times (recommend)",
    )
    parser.add_argument("--limit", type=int, help="requests per second and worker (no limit)")
    parser.add_argument(
        "--origin",
        dest="origins",
        action="append",
        help="origin of pages that may use it, https://shop.example; may be given several times "
        "(a key that no browser holds)",
    )
    options = parser.parse_args(arguments)
    key = token_urlsafe(_BYTES)
    try:
        entry = ApiKey(
            name=options.name,
            sha256=sha256(key.encode()).hexdigest(),
            scopes=frozenset(options.scopes or ["recommend"]),
            limit_per_s=options.limit,
            origins=options.origins,
        )
    except ValidationError as error:
        parser.error(f"{field_error(error.errors()[0], TEXT)}")
    return f"The key, for its owner:\n\n{key}\n\nIts entry in the file of keys:\n\n{_toml(entry)}"


def _toml(entry: ApiKey) -> str:
    fields = {
        "name": entry.name,
        "sha256": entry.sha256,
        "scopes": sorted(entry.scopes),
        "limit_per_s": entry.limit_per_s,
        "origins": sorted(entry.origins) if entry.origins else None,
    }
    # A JSON string without escaped surrogates is a string of TOML.
    lines = (f"{name} = {_json(value)}" for name, value in fields.items() if value is not None)
    return "\n".join(["[[keys]]", *lines])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
