"""Keys of web pages, and a page that somebody opens on the service's own machine."""

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from service.http.keys.access import Access
from service.http.problems import ProblemError
from service.settings import Settings
from tests.service.http.keys.key_files import KEY, bearer, entry


def test_a_key_of_a_page_works_from_its_origin_alone(
    connect: Callable[..., httpx.Client], tmp_path: Path
) -> None:
    page = "https://shop.example"
    (tmp_path / "keys.toml").write_text(entry(KEY, f'origins = ["{page}"]'))
    client = connect(api_keys=tmp_path / "keys.toml")
    asked = bearer(KEY) | {"Origin": page}
    answer = client.post("/recommend", json={}, headers=asked)
    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == page
    assert client.get("/items", headers=asked).status_code == 200
    assert client.get("/users", headers=asked).status_code == 403  # another scope
    for origin in ("https://evil.example", "null", f"{page}.evil.example"):
        refused = client.post("/recommend", json={}, headers=asked | {"Origin": origin})
        assert refused.status_code == 403
        assert "access-control-allow-origin" not in refused.headers
    assert client.post("/recommend", json={}, headers=bearer(KEY)).status_code == 403
    preflight = asked | {"Access-Control-Request-Method": "POST"}
    assert client.options("/recommend", headers=preflight).status_code == 200


def test_an_admin_key_of_a_page_sees_no_reasons_from_elsewhere(tmp_path: Path) -> None:
    text = entry(KEY, 'origins = ["https://shop.example"]').replace('"recommend"', '"admin"')
    (tmp_path / "keys.toml").write_text(text)
    access = Access(Settings(api_keys=tmp_path / "keys.toml"))
    sent = (b"authorization", f"Bearer {KEY}".encode())
    assert access.has_key({"headers": [sent, (b"origin", b"https://shop.example")]}, "admin")
    assert not access.has_key({"headers": [sent]}, "admin")


HERE = {b"host": b"127.0.0.1:8000"}
OTHERS: list[dict[bytes, bytes]] = [
    {b"host": b"shop.example"},
    {b"host": b"127.0.0.1.evil.example:8000"},
    {},
    HERE | {b"origin": b"https://evil.example"},
    HERE | {b"origin": b"http://127.0.0.1:9000"},
    HERE | {b"origin": b"null"},
    HERE | {b"sec-fetch-site": b"cross-site"},
    HERE | {b"sec-fetch-site": b"same-site"},
    HERE | {b"x-forwarded-for": b"203.0.113.9"},
    HERE | {b"via": b"1.1 proxy"},
]


def opens(settings: Settings, headers: dict[bytes, bytes], client: str = "127.0.0.1") -> bool:
    """Whether admin routes are open to a request without a key."""
    access = Access(settings)
    scope = {"headers": list(headers.items()), "client": (client, 5000)}
    guard = access.guard("admin")
    assert guard is not None
    try:
        guard(scope)
    except ProblemError:
        assert not access.has_key(scope, "admin")
        return False
    assert access.has_key(scope, "admin")
    return True


def test_while_somebody_tries_it_this_machine_needs_no_admin_key() -> None:
    trying = Settings(storefront="on")
    own = [
        HERE,
        HERE | {b"origin": b"http://127.0.0.1:8000", b"sec-fetch-site": b"same-origin"},
        {b"host": b"localhost:80", b"sec-fetch-site": b"none"},
        {b"host": b"[::1]:8000"},
    ]
    assert all(opens(trying, headers) for headers in own)
    assert not any(opens(trying, headers) for headers in OTHERS)
    assert not opens(trying, HERE, client="203.0.113.9")


def test_with_keys_or_for_other_machines_nobody_is_let_in_without_a_key(key_file: Path) -> None:
    for settings in (
        Settings(),
        Settings(storefront="on", host="192.0.2.1"),
        Settings(storefront="on", admin_key=SecretStr(KEY)),
        Settings(storefront="on", api_keys=key_file),
    ):
        assert not opens(settings, HERE)
    access = Access(Settings(storefront="on"))
    forget = access.guard("forget")
    assert forget is not None
    with pytest.raises(ProblemError, match="no key has the scope forget"):
        forget({"headers": list(HERE.items()), "client": ("127.0.0.1", 5000)})
