"""A file of keys for the tests of a module."""

from hashlib import sha256
from pathlib import Path

import pytest

from tests.service.http.keys.key_files import SCOPES, key_of


@pytest.fixture(scope="module")
def key_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a key for each scope, `key_of(scope)`, and one with a rate limit."""
    path = tmp_path_factory.mktemp("keys") / "keys.toml"
    keys = [(scope, [scope], "") for scope in SCOPES] + [("hasty", ["recommend"], "limit_per_s=2")]
    path.write_text(
        "\n".join(
            f'[[keys]]\nname = "{key}"\nscopes = {scopes}\n{limit}\n'
            f'sha256 = "{sha256(key_of(key).encode()).hexdigest()}"'
            for key, scopes, limit in keys
        )
    )
    return path
