"""Keys, and their entries in a file."""

from hashlib import sha256
from typing import get_args

from service.http.keys.api_keys import ApiScope

KEY = "correct horse battery staple"
SCOPES = get_args(ApiScope)


def key_of(name: str) -> str:
    """The key of this name."""
    return f"the key called {name}"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def entry(key: str, more: str = "") -> str:
    """The entry of a key in a file; its name is the key."""
    digest = sha256(key.encode()).hexdigest()
    return f'[[keys]]\nname = "{key}"\nscopes = ["recommend"]\nsha256 = "{digest}"\n{more}\n'
