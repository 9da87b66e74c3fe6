"""Access: the admin key opens the admin routes, and nothing else does."""

import logging
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from service.settings import Settings

KEY = "correct horse battery staple"


@pytest.fixture(scope="module")
def guarded(connect: Callable[..., httpx.Client]) -> httpx.Client:
    """A client of an app with an admin key."""
    return connect(admin_key=SecretStr(KEY))


def test_the_key_opens(guarded: httpx.Client) -> None:
    headers = {"Authorization": f"Bearer {KEY}"}
    response = guarded.post("/rules/test", json={"rules": "rules: []"}, headers=headers)
    assert response.status_code == 200


@pytest.mark.parametrize(
    "authorization", [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}é"]
)
def test_nothing_else_does(guarded: httpx.Client, authorization: str | None) -> None:
    headers = {} if authorization is None else {b"authorization": authorization.encode()}
    response = guarded.post("/rules/test", content=b"{", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    assert response.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize("key", [None, SecretStr("")])
def test_without_a_key_the_routes_are_off(
    connect: Callable[..., httpx.Client], key: SecretStr | None
) -> None:
    client = connect(admin_key=key)
    for headers in ({}, {"Authorization": "Bearer"}, {"Authorization": "Bearer None"}):
        response = client.post("/rules/test", json={"rules": ""}, headers=headers)
        assert response.status_code == 403
        assert "no admin key" in response.json()["detail"]


def test_the_key_is_shown_nowhere(
    guarded: httpx.Client, caplog: pytest.LogCaptureFixture, bundle_dir: Path
) -> None:
    caplog.set_level(logging.DEBUG)
    guarded.post("/rules/test", json={}, headers={"Authorization": f"Bearer {KEY}"})
    guarded.post("/rules/test", json={}, headers={"Authorization": f"Bearer {KEY}!"})
    assert KEY not in caplog.text
    assert KEY not in repr(Settings(bundle=bundle_dir, admin_key=SecretStr(KEY)))
