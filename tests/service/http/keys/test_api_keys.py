"""The file of API keys."""

import os
from hashlib import sha256
from pathlib import Path

import pytest

from service.http.keys.api_keys import ApiKeysError, read_api_keys

HASH = sha256(b"secret").hexdigest()
EMPTY = [sha256(text).hexdigest() for text in (b"", b"\n", b" ", b"\r\n")]


def entry(name: str = "shop", digest: str = HASH, scopes: str = '["recommend"]') -> str:
    return f'[[keys]]\nname = "{name}"\nsha256 = "{digest}"\nscopes = {scopes}\n'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "keys.toml"


def test_a_key_has_a_name_a_hash_scopes_and_perhaps_a_limit(path: Path) -> None:
    path.write_text(entry() + entry("till", "0" * 64, '["events", "profiles"]') + "limit_per_s = 5")
    shop, till = read_api_keys(path)
    assert (shop.name, shop.sha256) == ("shop", HASH)
    assert (shop.scopes, shop.limit_per_s) == (frozenset({"recommend"}), None)
    assert (till.scopes, till.limit_per_s) == (frozenset({"events", "profiles"}), 5)


def test_a_key_may_be_for_pages_of_some_origins(path: Path) -> None:
    origins = ["https://shop.example", "http://127.0.0.1:8000", "http://[::1]:8000"]
    path.write_text(entry() + f"origins = {origins}")
    (key,) = read_api_keys(path)
    assert key.origins == frozenset(origins)
    assert all(key.opens("recommend", each) for each in origins)
    assert not any(key.opens("admin", each) for each in origins)
    others = ("https://shop.example:444", "http://shop.example", "https://shop.example.evil")
    assert not any(key.opens("recommend", each) for each in (*others, "null", "", None))


@pytest.mark.parametrize("origin", ["*", "shop.example", "https://a.example/", "https://a b", ""])
def test_what_is_no_origin_is_refused(path: Path, origin: str) -> None:
    path.write_text(entry() + f'origins = ["{origin}"]')
    with pytest.raises(ApiKeysError, match=r"keys\.0\.origins"):
        read_api_keys(path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[keys]", "TOML"),
        ("", "keys: expected a value"),
        (entry(scopes='["everything"]'), "keys.0.scopes.0"),
        (entry(scopes="[]"), "keys.0.scopes"),
        (entry() + "origins = []", "keys.0.origins"),
        (entry() + "limit_per_s = 0", "keys.0.limit_per_s"),
        (entry() + "limit_per_s = 1000001", "keys.0.limit_per_s"),
        *((entry(digest=digest), "not of an empty text") for digest in EMPTY),
        (entry() + entry(), "each name once"),
        (entry() + entry("till"), "each sha256 once"),
    ],
)
def test_the_error_names_the_invalid_field(path: Path, text: str, expected: str) -> None:
    path.write_text(text)
    with pytest.raises(ApiKeysError, match=expected) as caught:
        read_api_keys(path)
    assert str(path) in str(caught.value)


def test_a_missing_file_is_refused(path: Path) -> None:
    with pytest.raises(ApiKeysError, match="No such file"):
        read_api_keys(path)


def test_a_key_in_the_place_of_its_hash_is_not_repeated(path: Path) -> None:
    path.write_text(entry(digest="a secret in the wrong place"))
    with pytest.raises(ApiKeysError, match="sha256") as caught:
        read_api_keys(path)
    assert "wrong place" not in str(caught.value)


def test_a_key_in_the_place_of_a_field_is_not_repeated(path: Path) -> None:
    path.write_text(entry() + "secret_in_the_wrong_place = 1")
    with pytest.raises(ApiKeysError, match=r"keys\.0: expected no other fields") as caught:
        read_api_keys(path)
    assert "wrong_place" not in str(caught.value)


def test_a_file_without_end_is_refused(path: Path) -> None:
    os.mkfifo(path)
    with pytest.raises(ApiKeysError, match="not a regular file"):
        read_api_keys(path)
    path.unlink()
    path.write_text("#" * (1 << 20) + "\n")
    with pytest.raises(ApiKeysError, match="more than 1,048,576 bytes"):
        read_api_keys(path)
