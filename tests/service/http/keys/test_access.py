"""Access: which API keys open which routes."""

import asyncio
import logging
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import get_args

import httpx
import pytest
from pydantic import SecretStr, ValidationError

from service.http.keys.access import Access, Verdict
from service.http.keys.api_keys import ApiKeysError, ApiScope
from service.http.problems import ProblemError
from service.settings import Settings

KEY = "correct horse battery staple"
SCOPES = get_args(ApiScope)
OPEN = ("/health", "/metrics")
SECURITY = Path(__file__).parents[4] / "SECURITY.md"


def key_of(name: str) -> str:
    """The key of this name."""
    return f"the key called {name}"


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


def documented_scopes() -> dict[tuple[str, str], str]:
    """The scope of each route in SECURITY.md, by method and path."""
    rows = re.findall(r"^\| `([A-Z]+) (\S+)` \| `(\w+)` \|$", SECURITY.read_text(), re.MULTILINE)
    return {(method.lower(), path): scope for method, path, scope in rows}


def operations(client: httpx.Client) -> list[tuple[str, str]]:
    """Method and path of all routes of an app but those for probes."""
    paths = client.get("/openapi.json").json()["paths"]
    return [(method, path) for path in paths for method in paths[path] if not path.startswith(OPEN)]


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


@pytest.mark.parametrize("sent", [b"Bearer", b"Bearer ", b"Bearer \t", b"bearer  ", b""])
def test_no_key_is_not_hashed(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Access(Settings(admin_key=SecretStr(KEY))).guard("admin")
    assert guard is not None
    monkeypatch.setattr("service.http.keys.access.sha256", lambda _: pytest.fail("hashed"))
    for headers in ([], [(b"authorization", sent)]):
        with pytest.raises(ProblemError, match="401"):
            guard({"headers": headers})


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


def test_the_admin_key_is_none_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(entry(KEY))
    with pytest.raises(ApiKeysError, match="RTT2VEC_ADMIN_KEY: expected another key"):
        Access(Settings(api_keys=tmp_path / "keys.toml", admin_key=SecretStr(KEY)))


def entry(key: str, more: str = "") -> str:
    """The entry of a key in a file; its name is the key."""
    digest = sha256(key.encode()).hexdigest()
    return f'[[keys]]\nname = "{key}"\nscopes = ["recommend"]\nsha256 = "{digest}"\n{more}\n'


def test_no_limit_of_many_keys_is_forgotten(tmp_path: Path) -> None:
    names = [f"the key number {number:4}" for number in range(1100)]
    file = tmp_path / "keys.toml"
    file.write_text("".join(entry(name, "limit_per_s = 1") for name in names))
    guard = Access(Settings(api_keys=file)).guard("recommend")
    assert guard is not None
    scopes = [{"headers": [(b"authorization", f"Bearer {name}".encode())]} for name in names]
    guard(scopes[0])
    for scope in scopes[1:]:
        guard(scope)
    with pytest.raises(ProblemError, match="may send 1 requests a second"):
        guard(scopes[0])


def test_what_the_guard_will_do_is_told_before_it_counts(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(entry(KEY, "limit_per_s = 2"))
    access = Access(Settings(api_keys=tmp_path / "keys.toml"))
    verdict, of_events = access.forecast("recommend"), access.forecast("events")
    guard = access.guard("recommend")
    assert verdict is not None
    assert guard is not None
    assert of_events is not None
    sent = f"Bearer {KEY}".encode()

    async def at_once() -> list[Verdict]:
        found = [verdict(sent) for _ in range(4)]
        await asyncio.sleep(0)
        return found

    for _ in range(2):
        assert asyncio.run(at_once()) == ["passes"] * 2 + ["refused"] * 2
    unknown = [verdict(each) for each in (b"", b"Bearer", sent[:-1], b"Basic" + sent[6:])]
    assert unknown == ["unknown"] * 4
    assert of_events(sent) == "refused"
    for _ in range(2):
        guard({"headers": [(b"authorization", sent)]})
    assert asyncio.run(at_once()) == ["refused"] * 4


def test_without_keys_all_requests_pass_but_those_of_admin_routes() -> None:
    access = Access(Settings())
    assert access.forecast("recommend") is None
    verdict = access.forecast("admin")
    assert verdict is not None
    assert verdict(f"Bearer {KEY}".encode()) == "unknown"


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
