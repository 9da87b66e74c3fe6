"""The guard of a route: what it refuses, and what it counts."""

import asyncio
from pathlib import Path

import pytest
from pydantic import SecretStr

from service.http.keys.access import Access, Verdict
from service.http.keys.api_keys import ApiKeysError
from service.http.problems import ProblemError
from service.settings import Settings
from tests.service.http.keys.key_files import KEY, entry


@pytest.mark.parametrize("sent", [b"Bearer", b"Bearer ", b"Bearer \t", b"bearer  ", b""])
def test_no_key_is_not_hashed(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    guard = Access(Settings(admin_key=SecretStr(KEY))).guard("admin")
    assert guard is not None
    monkeypatch.setattr("service.http.keys.access.sha256", lambda _: pytest.fail("hashed"))
    for headers in ([], [(b"authorization", sent)]):
        with pytest.raises(ProblemError, match="401"):
            guard({"headers": headers})


def test_the_admin_key_is_none_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "keys.toml").write_text(entry(KEY))
    with pytest.raises(ApiKeysError, match="RTT2VEC_ADMIN_KEY: expected another key"):
        Access(Settings(api_keys=tmp_path / "keys.toml", admin_key=SecretStr(KEY)))


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
