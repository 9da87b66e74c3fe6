"""CORS: only pages of the origins in the settings may send requests."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

SHOP = "https://shop.example"


def preflight(client: httpx.Client, origin: str) -> httpx.Response:
    asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
    return client.options("/recommend", headers=asked)


def test_no_origin_is_allowed_by_default(client: httpx.Client) -> None:
    assert "access-control-allow-origin" not in preflight(client, SHOP).headers
    response = client.post("/recommend", json={}, headers={"Origin": SHOP})
    assert "access-control-allow-origin" not in response.headers


def test_only_the_origins_of_the_settings_are_allowed(connect: Callable[..., httpx.Client]) -> None:
    client = connect(cors_origins=f"https://other.example, {SHOP}")
    allowed = preflight(client, SHOP)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == SHOP
    assert allowed.headers["x-request-id"]
    response = client.post("/recommend", json={}, headers={"Origin": SHOP})
    assert response.headers["access-control-allow-origin"] == SHOP
    assert "access-control-allow-origin" not in preflight(client, "https://evil.example").headers


@pytest.mark.parametrize(
    ("method", "path", "fails"),
    [
        ("POST", "/recommend", "service.recommending.recommender.Recommender.recommend"),
        ("GET", "/items?query=a", "service.bundle.item_search.ItemSearch.matching"),
    ],
)
def test_a_page_may_read_that_the_service_failed(
    connect: Callable[..., httpx.Client],
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    path: str,
    fails: str,
) -> None:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    client = connect(cors_origins=SHOP)
    monkeypatch.setattr(fails, fail)
    body: dict[str, str] | None = {} if method == "POST" else None
    response = client.request(method, path, json=body, headers={"Origin": SHOP})
    assert response.status_code == 500
    assert response.headers["access-control-allow-origin"] == SHOP
    assert response.headers["connection"] == "close"
    assert response.headers.get_list("x-request-id") == [response.json()["request_id"]]
