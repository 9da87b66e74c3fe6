"""Access: which API keys open which routes."""

import logging
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from service.settings import Settings
from tests.service.http.keys.key_files import KEY, SCOPES, bearer, entry, key_of

OPEN = ("/health", "/metrics")
SECURITY = Path(__file__).parents[4] / "SECURITY.md"


def documented_scopes() -> dict[tuple[str, str], str]:
    """The scope of each route in SECURITY.md, by method and path."""
    rows = re.findall(r"^\| `([A-Z]+) (\S+)` \| `(\w+)` \|$", SECURITY.read_text(), re.MULTILINE)
    return {(method.lower(), path): scope for method, path, scope in rows}


def operations(client: httpx.Client) -> list[tuple[str, str]]:
    """Method and path of all routes of an app but those for probes."""
    paths = client.get("/openapi.json").json()["paths"]
    return [(method, path) for path in paths for method in paths[path] if not path.startswith(OPEN)]


@pytest.fixture(scope="module")
def keyed(connect: Callable[..., httpx.Client], key_file: Path) -> httpx.Client:
    """A client of an app with a file of keys and with all optional routes."""
    return connect(api_keys=key_file, events=key_file.parent / "events")


@pytest.fixture(scope="module")
def guarded(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app with only an admin key."""
    return connect(admin_key=SecretStr(KEY))


def test_every_route_has_a_scope(keyed: httpx.Client) -> None:
    assert set(operations(keyed)) == documented_scopes().keys()
    assert set(documented_scopes().values()) == set(SCOPES)


@pytest.mark.parametrize("sent", SCOPES)
def test_a_key_opens_the_routes_of_its_scope_and_no_other(keyed: httpx.Client, sent: str) -> None:
    for (method, path), scope in documented_scopes().items():
        status = keyed.request(method, path, headers=bearer(key_of(sent))).status_code
        assert (status == 403) == (scope != sent), (method, path, status)
        assert status != 401


def test_with_a_file_of_keys_every_route_needs_one(keyed: httpx.Client) -> None:
    for method, path in operations(keyed):
        for headers in ({}, bearer(KEY), bearer(sha256(b"admin").hexdigest())):
            response = keyed.request(method, path, headers=headers)
            assert response.status_code == 401, (method, path)
            assert response.headers["www-authenticate"] == "Bearer"


def test_probes_and_scrapes_need_no_key(keyed: httpx.Client) -> None:
    for path in ("/health", "/health/live", "/health/ready", "/metrics"):
        assert keyed.get(path).status_code == 200


def test_openapi_documents_how_to_send_a_key(keyed: httpx.Client, guarded: httpx.Client) -> None:
    for client, locked in ((keyed, True), (guarded, False)):
        paths = client.get("/openapi.json").json()["paths"]
        assert ("security" in paths["/recommend"]["post"]) is locked
        assert "security" in paths["/rules/test"]["post"]
        assert "security" not in paths["/health"]["get"]


def test_the_admin_key_opens_admin_routes_and_leaves_the_others_open(guarded: httpx.Client) -> None:
    asked = {"rules": "rules: []"}
    assert guarded.post("/rules/test", json=asked, headers=bearer(KEY)).status_code == 200
    assert guarded.post("/recommend", json={}).status_code == 200
    assert guarded.delete("/users/unheard-of", headers=bearer(KEY)).status_code == 200
    assert guarded.delete("/users/user-4").status_code == 401


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}é"]
)
def test_nothing_else_opens_admin_routes(guarded: httpx.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"authorization": authorization.encode()}
    response = guarded.post("/rules/test", content=b"{", headers=headers)
    assert response.status_code == 401
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_without_an_admin_key_the_routes_are_off(
    connect: Callable[..., httpx.Client], key: SecretStr | None
) -> None:
    client = connect(admin_key=key)
    routes = (("post", "/rules/test", "admin"), ("delete", "/users/user-4", "forget"))
    for method, path, scope in routes:
        for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer None"}):
            response = client.request(method, path, headers=headers)
            assert response.status_code == 403
            assert f"no key has the scope {scope}" in response.json()["detail"]
    assert client.get("/users/user-4/profile").status_code == 200


def test_a_key_is_shown_nowhere_but_its_name_is_logged(
    keyed: httpx.Client, caplog: pytest.LogCaptureFixture, bundle_dir: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    keyed.post("/recommend", json={}, headers=bearer(key_of("recommend")))
    keyed.post("/recommend", json={}, headers=bearer(KEY))
    keyed.post("/rules/test", json={}, headers=bearer(key_of("admin")))
    keyed.get("/health/live")  # by its answer, those before it are logged
    requests = [record for record in caplog.records if record.message == "request"]
    requests = [record for record in requests if record.levelno == logging.INFO]
    assert [record.__dict__.get("api_key") for record in requests] == ["recommend", None, "admin"]
    assert KEY not in str([record.__dict__ for record in caplog.records])
    assert KEY not in repr(Settings(bundle=bundle_dir, admin_key=SecretStr(KEY)))


def test_a_key_has_a_rate_limit(keyed: httpx.Client) -> None:
    statuses = []
    while 429 not in statuses:
        refused = keyed.post("/recommend", json={}, headers=bearer(key_of("hasty")))
        statuses.append(refused.status_code)
    assert statuses[:2] == [200, 200]
    assert int(refused.headers["retry-after"]) >= 1
    assert refused.json()["detail"] == "The key hasty may send 2 requests a second."
    unlimited = keyed.post("/recommend", json={}, headers=bearer(key_of("recommend")))
    assert unlimited.status_code == 200


def test_a_short_key_opens_nothing(connect: Callable[..., httpx.Client], tmp_path: Path) -> None:
    """Its hash does not tell how long it is, so that it can be in the file."""
    file = tmp_path / "keys.toml"
    file.write_text("".join(entry(key) for key in ("k" * 15, "k" * 16)))
    client = connect(api_keys=file)
    assert client.post("/recommend", json={}, headers=bearer("k" * 15)).status_code == 401
    assert client.post("/recommend", json={}, headers=bearer("k" * 16)).status_code == 200


@pytest.mark.parametrize("key", ["a", "k" * 15, " " * 20, " the key of the tests", "x" * 16 + "\n"])
def test_a_short_or_blank_admin_key_is_refused(key: str) -> None:
    with pytest.raises(ValidationError, match="at least 16 characters"):
        Settings(admin_key=SecretStr(key))
